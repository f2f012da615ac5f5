"""What happens to a fleet when packages change under it: what is refused changes nothing, what is accepted takes over."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fleet.deployed import Deployed, deployed, free_ports, needs_ray, run_command, until
from tests.fleet.packages import Workplace, digits_package, images
from tests.serve.asking import request_of

pytestmark = [pytest.mark.slow, needs_ray]
INFER = "/v2/models/digits/infer"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module")
def fleet(place: Workplace) -> Iterator[Deployed]:
    (port,) = free_ports(1)
    with deployed(place.configuration(listen={"port": port}), state=place.folder) as running:
        yield running


def told(fleet: Deployed, event: str) -> list[str]:
    return [line for line in list(fleet.lines) if f'"event":"{event}"' in line]


def digest(fleet: Deployed) -> str:
    return str(fleet.ask("/v2/models/digits").document["parameters"]["root_digest"])


def test_a_tampered_package_is_refused_anew_and_by_a_replica_that_restarts(fleet: Deployed, place: Workplace) -> None:
    before = fleet.replicas()
    good = place.tamper()
    try:
        fleet.process.send_signal(signal.SIGHUP)
        until(lambda: bool(told(fleet, "reload-refused")), 60)
        assert "IntegrityError" in told(fleet, "reload-refused")[0]
        assert fleet.replicas() == before
        victim, survivor = sorted(before)
        os.kill(fleet.process_of(victim), signal.SIGKILL)
        until(lambda: any("IntegrityError: model.onnx: not what was signed" in line for line in list(fleet.lines)), 120)
        for _ in range(20):
            answer = fleet.ask(INFER, json.dumps(request_of(images())))
            assert (answer.status, answer.headers["bridge-replica"]) == (200, survivor)
    finally:
        place.restore(good)
    until(lambda: len(fleet.replicas(120) - {victim}) == 2, 120)


def test_another_package_takes_over_without_a_request_lost(fleet: Deployed, place: Workplace) -> None:
    old, stop = digest(fleet), threading.Event()

    def load() -> list[int]:
        statuses = []
        while not stop.is_set():
            statuses.append(fleet.ask(INFER, json.dumps(request_of(images()))).status)
        return statuses

    fresh = digits_package(place.folder / "fresh", place.signer, seconds=19.0)
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(load) for _ in range(2)]
        try:
            shutil.rmtree(place.package)
            fresh.rename(place.package)
            fleet.process.send_signal(signal.SIGHUP)
            until(lambda: bool(told(fleet, "reloaded")), 180)
        finally:
            stop.set()
        statuses = [status for one in running for status in one.result()]
    assert digest(fleet) != old
    assert len({digest(fleet) for _ in range(20)}) == 1
    assert set(statuses) == {200}, statuses


def test_the_same_packages_again_leave_the_replicas_alone(fleet: Deployed) -> None:
    before = fleet.replicas()
    fleet.process.send_signal(signal.SIGHUP)
    until(lambda: bool(told(fleet, "kept")), 60)
    time.sleep(1.0)
    assert fleet.replicas() == before


_TAKEN = """
import json, sys
from ray.serve.schema import ServeDeploySchema
from bridge.fleet.application import build
parsed = ServeDeploySchema.model_validate(json.loads(sys.argv[1]))
(application,) = parsed.applications
built = build(application.args)
(deployment,) = application.deployments
print(json.dumps({"replicas": deployment.num_replicas, "name": deployment.name, "built": built._bound_deployment.name}))
"""


def test_what_is_printed_for_a_cluster_is_what_ray_takes(place: Workplace) -> None:
    configuration = place.configuration(listen={"host": "0.0.0.0", "grpc_port": 8001})  # noqa: S104  # As in a pod.
    printed = run_command("fleet", str(configuration), "--replicas", "3", "--print-deployment", "--json")
    # Ray's own imports warn, which tests here take for errors: in a process of its own.
    done = subprocess.run([sys.executable, "-c", _TAKEN, printed], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"replicas": 3, "name": "models", "built": "models"}
