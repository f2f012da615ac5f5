"""The configuration, the command, and packages served as a user serves them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from bridge.cli.app import app
from bridge.errors import InvalidOptionError
from bridge.serve.clients.identity import digest_of
from bridge.serve.configuration import load_configuration, settings_of
from bridge.serve.models.repository import version_order
from tests.runtime.packages import golden_package
from tests.serve.asking import ask, infer
from tests.serve.running import LENET, example, loaded

LEAST: dict[str, Any] = {"format": "cntk-bridge/serve/1", "models": [{"name": "digits", "package": "here"}]}
BRIDGE = "from bridge.cli import main; main()"


def test_guards_are_relative_to_the_file_too() -> None:
    model = {**LEAST["models"][0], "guards": "g.yaml", "fallback": "b", "fallback_guards": "gb.yaml"}
    (found,) = settings_of(LEAST | {"models": [model]}, Path("etc")).models
    assert (found.guards, found.fallback_guards) == (Path("etc/g.yaml"), Path("etc/gb.yaml"))


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "serve.yaml").write_text(yaml.safe_dump(LEAST | {"listen": {"port": 9000, "grpc_port": 9001}}))
    settings = load_configuration(tmp_path / "serve.yaml")
    assert settings.models[0].package == tmp_path / "here"
    assert (settings.host, settings.port, settings.grpc_port) == ("127.0.0.1", 9000, 9001)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"format": "cntk-bridge/serve/2"}, "format"),
        ({"models": []}, "models"),
        ({"unknown": 1}, "unknown"),
        ({"listen": {"port": 70000}}, "listen.port"),
        ({"models": [{"name": "../up", "package": "a"}]}, "models.0.name"),
        ({"models": [{"name": "a", "package": "a", "isolation": "vm"}]}, "isolation"),
        ({"models": [{"name": "a", "package": "a", "fallback_guards": "b"}]}, "fallback_guards need a fallback"),
        ({"clients": [{"name": "a", "key_sha256": "abc"}]}, "clients.0"),
        ({"clients": [{"name": "a"}]}, "clients.0"),
        ({"clients": [{"name": "a", "key_sha256": "0" * 64, "models": ["nobody"]}]}, "there is no model 'nobody'"),
        ({"clients": [{"name": "a", "certificate_name": "a"}]}, "client_roots"),
        ({"clients": [{"name": "a", "key_sha256": "0" * 64}] * 2}, "two have one name"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(more: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidOptionError, match=said.replace(".", r"\.")):
        settings_of(LEAST | more, Path())


def test_versions_are_ordered_as_people_count() -> None:
    assert sorted(["10", "9", "1.2", "1.10", "beta"], key=version_order) == ["1.2", "1.10", "9", "10", "beta"]


def test_a_key_is_shown_once_with_what_is_kept_of_it() -> None:
    shown = json.loads(CliRunner().invoke(app, ["serve", "--new-key", "--json"]).stdout)
    assert digest_of(shown["key"]) == shown["key_sha256"]


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["--config", "a", "b"], ["--tls-key", "a", "."], ["=."]])
def test_bad_usage_ends_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["serve", *arguments]).exit_code == 2


def test_an_unsigned_package_is_not_served_unless_that_is_asked_for(tmp_path: Path) -> None:
    package = golden_package(LENET, tmp_path / "package")
    refused = CliRunner().invoke(app, ["serve", str(package), "--json"])
    assert refused.exit_code == 3, refused.output


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_a_package_is_served_until_the_server_is_told_to_stop(tmp_path: Path, isolation: str) -> None:
    package = golden_package(LENET, tmp_path / "package")
    command = [sys.executable, "-c", BRIDGE, "serve", f"digits:7={package}", "--allow-unsigned", "--json", "--port", "0"]
    command += ["--admin-port", "0", "--isolation", isolation]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            port = json.loads(line)["ports"]["http"]
            inputs = example(LENET, 2)
            np.testing.assert_allclose(infer(port, "digits", inputs)["z"], loaded(LENET).run(inputs)["z"], rtol=1e-5)
            described = ask(port, "GET", "/v2/models/digits").document
        finally:
            os.kill(process.pid, signal.SIGTERM)
            _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert (described["versions"], described["parameters"]["signer"]) == (["7"], "")
    assert (described["parameters"]["sandbox"] == "none") == (isolation == "none")
    assert json.loads(log.splitlines()[-1])["event"] == "stopped"


def test_a_package_is_replaced_on_sighup_and_a_broken_one_is_not(tmp_path: Path) -> None:
    package = golden_package(LENET, tmp_path / "package")
    command = [sys.executable, "-c", BRIDGE, "serve", f"digits={package}", "--allow-unsigned", "--json", "--port", "0"]
    with subprocess.Popen([*command, "--admin-port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            port = json.loads(process.stdout.readline())["ports"]["http"]
            process.send_signal(signal.SIGHUP)
            assert told(process.stderr, "reloaded")["model"] == "digits"
            (package / "model.onnx").write_bytes(b"broken")
            process.send_signal(signal.SIGHUP)
            assert told(process.stderr, "reload-refused")["error"]
            assert infer(port, "digits", example(LENET))["z"].shape == (1, 10)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def told(log: IO[str], event: str) -> dict[str, Any]:
    """The first entry of the log about ``event``."""
    for line in log:
        if line.startswith("{") and json.loads(line)["event"] == event:
            found: dict[str, Any] = json.loads(line)
            return found
    raise AssertionError(f"the log ended without {event}")
