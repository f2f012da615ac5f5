"""What the server's image is given: a signed package, a configuration and a policy as the examples have them, a certificate."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from typer.testing import CliRunner

from bridge.cli.app import app
from bridge.serve.clients.identity import new_key
from tests.deployment.manifests import SERVE
from tests.serve.asking import outputs_of, request_of
from tests.serve.certificates import Authority
from tests.serve.running import GOLDEN, LENET

Array = np.ndarray[Any, np.dtype[Any]]
POLICY = {
    "policy": 1,
    "name": "production",
    "signers": {"converter": {"keys": ["converter.pub"]}},
    "accept": {"source": ["converter"], "package": ["converter"]},
    "require": {"package": ["conversion", "source-signature"]},
    "runtime": {"minimum-sandbox": "seccomp"},
}


@dataclass(frozen=True, slots=True)
class Deployed:
    """Folders to be mounted, and what a client needs to know."""

    packages: Path
    etc: Path
    tls: Path
    root: Path
    key: str
    http: int
    admin: int

    @property
    def volumes(self) -> dict[Path, str]:
        return {self.packages: "/packages", self.etc: "/etc/bridge", self.tls: "/etc/bridge-tls"}

    def ask(self, method: str, path: str, body: str | None = None, timeout: float = 30) -> tuple[int, Any]:
        """Status and document of one request over TLS."""
        context = ssl.create_default_context(cafile=str(self.root))
        connection = http.client.HTTPSConnection("127.0.0.1", self.http, timeout=timeout, context=context)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.key}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def infer(self, inputs: dict[str, Array]) -> dict[str, Array]:
        """The model's answer."""
        status, document = self.ask("POST", "/v2/models/digits/infer", json.dumps(request_of(inputs)))
        assert status == 200, document
        return outputs_of(document)

    def is_ready(self) -> bool:
        return self.ask("GET", "/v2/health/ready", timeout=5)[0] == 200


def deployed(folder: Path, **changes: Any) -> Deployed:
    """``changes`` go into the configuration's only model."""
    etc, tls, packages = folder / "etc", folder / "tls", folder / "packages"
    for each in (etc, tls, packages):
        each.mkdir(parents=True)
    _package(folder, packages / "digits")
    shutil.copy(folder / "converter.pub", etc)
    (etc / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    key, digest = new_key()
    settings = yaml.safe_load((SERVE / "serve.yaml").read_text())
    settings["listen"] |= {"port": free_port(), "grpc_port": free_port(), "admin_port": free_port()}
    settings["clients"][0]["key_sha256"] = digest
    settings["models"][0] |= changes
    (etc / "serve.yaml").write_text(yaml.safe_dump(settings))
    authority = Authority(folder)
    pair = authority.issue("server")
    shutil.copy(pair.certificate, tls / "tls.crt")
    shutil.copy(pair.key, tls / "tls.key")
    for path in (folder, *folder.rglob("*")):
        # Whoever runs the container is not whoever runs the tests.
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Deployed(packages, etc, tls, authority.root, key, settings["listen"]["port"], settings["listen"]["admin_port"])


def as_config_map(plain: Path, place: Path) -> Path:
    """The files of ``plain`` as Kubernetes mounts them: links to links into a folder that it exchanges as a whole."""
    (place / "..2026_01_02").mkdir(parents=True)
    (place / "..data").symlink_to("..2026_01_02")
    for file in plain.iterdir():
        shutil.copy(file, place / "..2026_01_02")
        (place / file.name).symlink_to(Path("..data", file.name))
    return place


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _package(folder: Path, destination: Path) -> None:
    """LeNet as a package whose chain begins with a signed source of a stated version."""
    model = folder / "model.dnn"
    shutil.copy(GOLDEN / LENET / "model.dnn", model)
    described = folder / "description.yaml"
    described.write_text(yaml.safe_dump({"model": {"name": "digits", "version": "1.4"}}))
    key = folder / "converter"
    convert = ("convert", model, "--public-key", f"{key}.pub", "--package", "--sign-key", key, "-o", destination)
    # What this machine remembers of versions is none of the test's business.
    runner = CliRunner(env={"XDG_STATE_HOME": str(folder / "state")})
    for command in (
        ("keys", "new", "--output-path", key, "--no-password"),
        ("sign", model, "--key", key, "--provenance", "--description", described),
        convert,
    ):
        done = runner.invoke(app, [str(argument) for argument in command])
        assert done.exit_code == 0, done.output
