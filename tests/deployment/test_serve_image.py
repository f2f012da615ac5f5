"""The server's image, built and run: as nobody, on a root that cannot be written to, without capabilities."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.version import __version__
from tests.deployment.manifests import kserve_pod
from tests.deployment.podman import Container, built, container, once, podman
from tests.deployment.serving import Deployed, as_config_map, deployed, free_port
from tests.serve.asking import ask, infer
from tests.serve.running import LENET, example, loaded

pytestmark = pytest.mark.slow
DELAY = 3.0
"""Seconds that a request waits for company, so that it is under way when the server is told to stop."""


@pytest.fixture(scope="module")
def image() -> str:
    return built("serve")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    return deployed(tmp_path_factory.mktemp("deployed"))


@pytest.fixture(scope="module")
def served(image: str, given: Deployed) -> Iterator[Container]:
    with container(image, volumes=given.volumes, options=published(given)) as running:
        ready(running, given)
        yield running


def published(given: Deployed) -> tuple[str, ...]:
    return (
        "--publish",
        f"127.0.0.1:{given.http}:{given.http}",
        "--env",
        f"BRIDGE_STATUS=http://127.0.0.1:{given.admin}/status.json",
    )


def ready(running: Container, given: Deployed) -> None:
    once(lambda: running.inspect("{{.State.Status}}") == "exited" or given.is_ready())
    assert running.inspect("{{.State.Status}}") == "running", running.log()


def test_it_answers_as_the_model_does_here(served: Container, given: Deployed) -> None:
    inputs = example(LENET, 3)
    np.testing.assert_allclose(given.infer(inputs)["z"], loaded(LENET).run(inputs)["z"], rtol=1e-4, atol=1e-5)
    assert served.inspect("{{.State.Status}}") == "running"


def test_workers_are_in_a_sandbox_and_the_package_is_verified(served: Container, given: Deployed) -> None:
    del served
    _, described = given.ask("GET", "/v2/models/digits")
    assert described["parameters"]["sandbox"].endswith("seccomp")
    assert described["parameters"]["signer"].startswith("key sha256:")


def test_it_is_nobody_and_can_do_nothing(served: Container) -> None:
    status = dict(line.split(":\t", 1) for line in served.run("cat", "/proc/1/status").splitlines())
    assert status["Uid"].split() == ["10001"] * 4
    assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


@pytest.mark.parametrize(
    "place", ["/x", "/opt/bridge/x", "/opt/bridge/lib/python3.11/site-packages/x", "/etc/bridge/x", "/packages/x"]
)
def test_nothing_can_be_written(place: str, served: Container) -> None:
    said = served.run("sh", "-c", f"touch {place} 2>&1; true")
    assert "Read-only file system" in said or "Permission denied" in said


def test_versions_are_remembered_where_a_volume_can_be(served: Container) -> None:
    assert "versions.sqlite" in served.run("ls", "/var/lib/bridge/cntk-bridge")


def test_it_says_that_it_is_healthy(served: Container) -> None:
    served.run("python3", "-I", "/opt/bridge/healthy.py")
    (test,) = [json.loads(podman("inspect", "--format", "{{json .Config.Healthcheck.Test}}", served.name))]
    assert test == ["CMD", "python3", "-I", "/opt/bridge/healthy.py"]


def test_nothing_in_it_could_install_more(served: Container) -> None:
    found = served.run("sh", "-c", "ls /opt/bridge/lib/python3.11/site-packages; command -v pip pip3 gcc curl; true")
    assert not {"pip", "setuptools", "hatchling"} & set(found.split())
    assert "/usr/bin" not in found


def test_it_names_itself(image: str) -> None:
    labels = json.loads(podman("inspect", "--format", "{{json .Config.Labels}}", image))
    assert labels["org.opencontainers.image.version"] == __version__
    assert podman("inspect", "--format", "{{.Config.User}}", image) == "10001:10001"


def test_told_to_stop_it_answers_what_is_under_way_and_ends(image: str, tmp_path: Path) -> None:
    given = deployed(tmp_path, batch={"rows": 32, "delay_seconds": DELAY})
    with container(image, volumes=given.volumes, options=published(given)) as running, ThreadPoolExecutor(1) as pool:
        ready(running, given)
        begun = time.monotonic()
        answer = pool.submit(given.infer, example(LENET))
        time.sleep(DELAY / 3)
        podman("stop", "--time", "40", running.name)
        assert answer.result(30)["z"].shape == (1, 10)
        assert DELAY < time.monotonic() - begun < 35
        assert running.inspect("{{.State.ExitCode}}") == "0"
        events = [json.loads(line)["event"] for line in running.log().splitlines() if line.startswith("{")]
        assert events[-3:] == ["draining", "request", "stopped"]


def test_told_to_stop_before_it_serves_it_ends_at_once(image: str, given: Deployed) -> None:
    with container(image, volumes=given.volumes) as running:
        begun = time.monotonic()
        podman("stop", "--time", "30", running.name)
        assert time.monotonic() - begun < 20
        assert running.inspect("{{.State.ExitCode}}") in {"0", "143"}


def test_a_configuration_as_kubernetes_mounts_it_is_read(image: str, given: Deployed, tmp_path: Path) -> None:
    mounted = as_config_map(given.etc, tmp_path / "etc")
    tmp_path.chmod(0o755)
    moved = replace(given, etc=mounted, tls=as_config_map(given.tls, tmp_path / "tls"))
    with container(image, volumes=moved.volumes, options=published(moved)) as running:
        ready(running, moved)


def test_a_package_that_was_changed_is_not_served(image: str, tmp_path: Path) -> None:
    given = deployed(tmp_path)
    with (given.packages / "digits" / "model.onnx").open("ab") as model:
        model.write(b"\0")
    with container(image, volumes=given.volumes, options=published(given)) as running:
        podman("wait", running.name)
        assert running.inspect("{{.State.ExitCode}}") == "3"
        assert "model.onnx" in running.log()


def test_the_arguments_of_the_kserve_runtime_serve_what_kserve_mounts(image: str, given: Deployed) -> None:
    http, grpc = free_port(), free_port()
    replaced: dict[str, Any] = {"{{.Name}}": "digits", "8080": str(http), "9000": str(grpc)}
    arguments = kserve_pod()["containers"][0]["args"]
    for old, new in replaced.items():
        arguments = [argument.replace(old, new) for argument in arguments]
    volumes = {given.packages / "digits": "/mnt/models", given.etc: "/etc/bridge"}
    with container(
        image, *arguments, "--admin-port=0", volumes=volumes, options=("--publish", f"127.0.0.1:{http}:{http}")
    ) as running:
        once(lambda: ask(http, "GET", "/v2/health/ready").status == 200)
        assert infer(http, "digits", example(LENET))["z"].shape == (1, 10)
        assert "error" not in running.log()
