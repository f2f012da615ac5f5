"""What is tampered with: a signed source, a package that was converted from it, a log of their statements, and who verifies them.

A scene is made once, with real keys and the real conversion; each attempt gets a copy of its folder.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.batch import Settings, convert_all, plan
from bridge.package.writing import PackageOptions
from bridge.trust.bundle import read_bundle
from bridge.trust.log.operations import append_statements, initialise_log
from bridge.trust.model_signature import sign_model
from bridge.trust.policy.document import load_policy
from bridge.trust.signers import Signer
from bridge.trust.statement import Statement
from tests.cli.golden_folders import LENET
from tests.trust.signed_models import Authority, claims, new_key, root_digest, training, write_policy, write_public

TEAM, CI, STRANGER = new_key(), new_key(), new_key()
"""Who signs sources, who signs packages, and who may sign nothing."""

VERSION = "2.0"


@dataclass(frozen=True)
class Scene:
    """A folder with everything in it."""

    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "model.dnn"

    @property
    def package(self) -> Path:
        return self.folder / "package"

    @property
    def claims(self) -> Path:
        return self.package / "claims.jsonl"

    @property
    def signature(self) -> Path:
        return self.package / "model.sig"

    @property
    def proofs(self) -> Path:
        return self.package / "model.tlog-proofs"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def policy_file(self) -> Path:
        return self.folder / "policy.yaml"

    def root_sha256(self) -> str:
        """What claims call the package, as its signature has it."""
        return Statement.from_bytes(read_bundle(self.signature.read_bytes()).payload).subject[0].digest["sha256"]

    def copy_to(self, folder: Path) -> Scene:
        shutil.copytree(self.folder, folder)
        return Scene(folder)

    def set_policy(self, **members: Any) -> None:
        write_policy(self.folder, policy_document() | members)

    def sign_package(self, signer: Signer) -> None:
        """Sign the package as it is now."""
        self.signature.write_bytes(sign_model(self.package, signer))


def policy_document() -> dict[str, Any]:
    return {
        "policy": 1,
        "name": "production",
        "signers": {"team": {"keys": ["team.pub"]}, "ci": {"keys": ["ci.pub"]}},
        "accept": {"source": ["team"], "package": ["ci"], "statements": {"training": ["team"], "equivalence-cpu": ["ci"]}},
        "require": {"source": ["training"], "package": ["training", "conversion", "source-signature", "equivalence-cpu"]},
        "maximum-age-days": {"source": 30, "package": 30},
        "versions": {"minimum": {"digits": "1.5"}, "store": "versions.sqlite"},
    }


def make_scene(folder: Path) -> Scene:
    """Keys, a signed source with its training claim, the package made of it, a log, and an older checkpoint of that."""
    folder.mkdir(parents=True)
    scene = Scene(folder)
    for name, signer in (("team", TEAM), ("ci", CI), ("stranger", STRANGER)):
        write_public(folder, name, signer)
    Authority(folder)
    scene.set_policy()
    put_source(scene, VERSION)
    convert_source(scene, scene.package)
    initialise_log(scene.log, "example.org/models", folder / "log.key", None)
    append_statements(scene.log, [scene.package], folder / "log.key", None)
    shutil.copy(scene.log / "checkpoint", folder / "kept.checkpoint")
    return scene


def put_source(scene: Scene, version: str, **more: Any) -> None:
    """The source with its signature and the claim about its training."""
    content = (LENET / "model.dnn").read_bytes()
    scene.source.write_bytes(content)
    Path(f"{scene.source}.sig").write_bytes(sign_model(scene.source, TEAM))
    stated = training(root_digest(content), version=version, **more)
    Path(f"{scene.source}.claims.jsonl").write_bytes(claims((stated, TEAM)))


def convert_source(scene: Scene, destination: Path) -> None:
    """The source as a package, verified and checked as the command does it."""
    (job,) = plan([scene.source], destination, overwrite=True, packages=True)
    policy = load_policy(scene.policy_file)
    settings = Settings(golden=LENET, package=PackageOptions(CI), policy=policy)
    (outcome,) = convert_all([job], settings)
    if outcome.error is not None:
        raise outcome.error


def flip(path: Path, place: float, *, mask: int = 1) -> None:
    """Flip bits of the byte at this part of the file."""
    octets = bytearray(path.read_bytes())
    octets[int(place * (len(octets) - 1))] ^= mask
    path.write_bytes(octets)


def replace(path: Path, old: bytes, new: bytes) -> None:
    octets = path.read_bytes()
    assert octets.count(old) >= 1, old
    path.write_bytes(octets.replace(old, new, 1))


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file as a value, and write it without blanks."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")


def lines_of(scene: Scene) -> list[bytes]:
    """The claims of the package: training, signature of the source, verification of it, equivalence, conversion."""
    lines = scene.claims.read_bytes().splitlines()
    assert len(lines) == 5
    return lines


def put_lines(scene: Scene, *lines: bytes) -> None:
    scene.claims.write_bytes(b"".join(line + b"\n" for line in lines))


def settled(message: str, folder: Path) -> str:
    """A message without what differs from run to run: folders, digests, numbers of certificates and keys, times."""
    text = message.replace(f"{folder}/", "").replace(str(folder), ".")
    text = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{64}(?=')", "…", text)
    text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|\+00:00)?( UTC)?", "…", text)
    text = re.sub(r"(serial |\+)[0-9a-f]{8,40}", r"\1…", text)
    return " ".join(text.split())
