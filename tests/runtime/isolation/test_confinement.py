"""From inside a worker whose engine was taken over: what an attacker's code can do there, and what it cannot."""

import errno
import importlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import DeadlineExceeded, ModelFailedError, PolicyError
from bridge.package.interface import Bound, Interface, Tensor
from bridge.runtime.isolation.fork_server import ForkServer
from bridge.runtime.isolation.frames import Answer, Placed, Status, pack_answer
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.sandbox.landlock import landlock_abi
from bridge.runtime.served import ModelIdentity

NUMBERS: dict[str, int] = importlib.import_module("hostile_engine").NUMBERS

INTERFACE = Interface(
    kind="onnx",
    model_files=("model.onnx",),
    inputs=(Tensor("x", "float32", ("N", 4)),),
    outputs=(Tensor("y", "float32", ("N", 4)),),
    symbols={"N": Bound(1, 64, "batch")},
)
LIMITS = RuntimeLimits(warm_up=False, load_seconds=30)
MEMORY = IsolationLimits(memory_bytes=256 << 20)
REFUSED = (errno.EPERM, errno.EACCES)

Attack = Callable[..., int]


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    made = ForkServer("hostile_engine")
    yield made
    made.close()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key that anybody may read, so that the sandbox alone keeps it."""
    path = tmp_path_factory.mktemp("keys") / "private.pem"
    path.write_text("-----BEGIN PRIVATE KEY-----")
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def model(server: ForkServer, key: Path) -> Iterator[IsolatedModel]:
    made = taken_over(server, key=str(key))
    yield made
    made.close()


def taken_over(server: ForkServer, **told: str) -> IsolatedModel:
    data = memoryview(json.dumps(told).encode())
    return IsolatedModel(data, {}, INTERFACE, ModelIdentity("hostile", "1", "0" * 64, ""), LIMITS, MEMORY, server=server)


def outcome(model: IsolatedModel, attack: str, timeout: float = 10) -> int:
    """0 where the attack succeeded, the number of the system's refusal otherwise."""
    answer = model.run({"x": np.full((1, 4), NUMBERS[attack], np.float32)}, timeout=timeout)
    return int(answer["y"][0, 0])


@pytest.fixture
def filtered(model: IsolatedModel) -> None:
    if model.sandbox.level < 2:
        pytest.skip(f"this kernel has no filter of system calls: {dict(model.sandbox.details)}")


def test_a_worker_computes(model: IsolatedModel) -> None:
    assert outcome(model, "compute") == 0


def test_the_level_says_what_this_kernel_has(model: IsolatedModel) -> None:
    if model.sandbox.level < 3:
        pytest.skip(f"not all of the sandbox is to be had here: {dict(model.sandbox.details)}")
    assert model.identity.sandbox == f"landlock-{landlock_abi()}+seccomp"


@pytest.mark.usefixtures("filtered")
@pytest.mark.parametrize(
    "attack",
    [
        "read_passwd",
        "read_key",
        "list_folder",
        "write_file",
        "connect",
        "execute",
        "fork",
        "kill_server",
        "trace_server",
        "map_code",
        "raise_limit",
        "become_root",
    ],
)
def test_the_system_refuses(model: IsolatedModel, attack: str) -> None:
    assert outcome(model, attack) in REFUSED
    assert outcome(model, "compute") == 0


def test_memory_ends_at_the_limit(model: IsolatedModel) -> None:
    assert outcome(model, "take_memory") == errno.ENOMEM


def test_threads_end_at_the_limit(server: ForkServer) -> None:
    model = taken_over(server)
    try:
        assert outcome(model, "many_threads") in {errno.EAGAIN, errno.ENOMEM}
    finally:
        model.close()


@pytest.mark.parametrize("attack", ["crash", "abort", "leave"])
def test_a_worker_that_ends_takes_nothing_with_it(server: ForkServer, attack: str) -> None:
    model = taken_over(server)
    try:
        with pytest.raises(ModelFailedError, match="2 workers were lost over this request; the last: it crashed"):
            outcome(model, attack)
        assert outcome(model, "compute") == 0
        counts = model.counters()
        assert (counts["crashes"], counts["retries"], counts["failed"], counts["answered"]) == (2, 1, 1, 1)
    finally:
        model.close()


def test_a_worker_that_does_not_listen_is_killed_and_the_next_request_does_not_wait_for_that(server: ForkServer) -> None:
    model = taken_over(server)
    try:
        workers = set(model.processes())
        with pytest.raises(DeadlineExceeded):
            outcome(model, "hang", timeout=0.1)
        assert outcome(model, "compute") == 0
        until = time.monotonic() + 20
        while model.counters()["hard_kills"] != 1:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert len(workers - set(model.processes())) == 1
    finally:
        model.close()


def placed(*, index: int = 0, dtype: str = "float32", shape: tuple[int, ...] = (1, 4), offset: int = 0) -> bytes:
    tensor = Placed(index, np.dtype(dtype), shape, offset)
    return pack_answer(Answer(Status.DONE, 1, (tensor,)))


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        pytest.param(b"x", "an answer of 1 bytes", id="a byte"),
        pytest.param(b"y" * 100_000, "an answer that is none", id="noise"),
        pytest.param(pack_answer(Answer(Status.DONE, 2)), "to request 2, in place of 1", id="another request"),
        pytest.param(pack_answer(Answer(Status.LOADED, 1)), "LOADED to request", id="another status"),
        pytest.param(pack_answer(Answer(Status.DONE, 1)), "the outputs \\[\\]", id="no outputs"),
        pytest.param(placed(index=1), "the outputs \\[1\\]", id="another output"),
        pytest.param(placed(offset=1 << 40), "in an area of", id="beyond the area"),
        pytest.param(placed(shape=(1 << 40, 4)), "in an area of", id="longer than the area"),
        pytest.param(placed(shape=(1 << 62, 1 << 62)), "in an area of", id="a product that overflows"),
        pytest.param(placed(shape=(0, (1 << 64) - 1)), "in an area of", id="nothing, by the largest extent"),
        pytest.param(placed(shape=(0, 1 << 62, 1 << 62)), "in an area of", id="nothing, by a product that overflows"),
        pytest.param(placed(offset=3), "in an area of", id="not aligned"),
        pytest.param(placed() + b"z", "behind the last tensor", id="bytes behind"),
        pytest.param(placed()[:-1], "a tensor that is none", id="cut short"),
    ],
)
def test_a_worker_that_departs_from_the_protocol_is_killed(server: ForkServer, packet: bytes, said: str) -> None:
    model = taken_over(server, packet=packet.hex())
    try:
        with pytest.raises(ModelFailedError, match=said):
            outcome(model, "speak")
        assert outcome(model, "compute") == 0
        assert model.counters()["protocol_violations"] == 2
    finally:
        model.close()


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        pytest.param(placed(dtype="int64"), "elements of type float32", id="another type"),
        pytest.param(placed(shape=(2, 4)), "expected the shape", id="another batch"),
        pytest.param(placed(shape=(4,)), "expected the shape", id="another rank"),
    ],
)
def test_an_answer_against_the_interface_fails_and_the_second_answer_is_not_taken_for_the_next_request(
    server: ForkServer, packet: bytes, said: str
) -> None:
    model = taken_over(server, packet=packet.hex())
    try:
        with pytest.raises(ModelFailedError, match=said):
            outcome(model, "speak")
        assert outcome(model, "compute") == 0
        assert model.counters()["protocol_violations"] == 1
    finally:
        model.close()


def test_a_worker_that_answers_without_reading_does_not_hold_up_the_next_caller(server: ForkServer) -> None:
    """Requests pile up in its socket until there is no room, where sending would wait for as long as the call before had."""
    model = taken_over(server)
    try:
        outcome(model, "answer_unasked", timeout=30)
        begun = time.monotonic()
        while model.counters()["protocol_violations"] == 0:
            assert time.monotonic() < begun + 25
            assert outcome(model, "compute", timeout=30) == 0
    finally:
        model.close()


@pytest.mark.parametrize(
    "report",
    [
        pytest.param("[" * 1900, id="deeper than the reader goes"),
        pytest.param('{"level": 3, "abi": 1e999, "details": {}}', id="an infinite number"),
        pytest.param('{"level": 3, "abi": 7, "details": []}', id="a list for an object"),
    ],
)
def test_a_report_that_is_none_ends_the_loading(report: str) -> None:
    server = ForkServer("hostile_report")
    try:
        with pytest.raises(ModelFailedError, match="a report that is none"):
            taken_over(server, report=report)
    finally:
        server.close()


def test_a_sandbox_below_the_minimum_is_refused_before_the_model_is_loaded(server: ForkServer) -> None:
    minimum = IsolationLimits(minimum_sandbox="landlock-999+seccomp")
    with pytest.raises(PolicyError, match="landlock-999"):
        IsolatedModel(memoryview(b"{}"), {}, INTERFACE, ModelIdentity("m", "1", "", ""), LIMITS, minimum, server=server)


def status_of(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.usefixtures("filtered")
def test_the_kernel_says_the_same_about_a_worker(model: IsolatedModel) -> None:
    for process in model.processes():
        status = status_of(process)
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert "0" not in status["Uid"].split()


def test_no_variable_of_ours_reaches_a_worker(model: IsolatedModel) -> None:
    for process in model.processes():
        try:
            data = Path(f"/proc/{process}/environ").read_bytes()
        except PermissionError:
            pytest.skip("another user's processes cannot be looked into")
        names = {entry.split(b"=")[0].decode() for entry in data.split(b"\0") if entry}
        assert not names & {"PATH", "HOME", "PWD", "PYTEST_CURRENT_TEST"}
        assert "ORT_DISABLE_TELEMETRY" in names


def test_a_worker_holds_no_descriptor_but_its_own(model: IsolatedModel) -> None:
    for process in model.processes():
        try:
            names = {str((Path("/proc") / str(process) / "fd" / entry).readlink()) for entry in list_descriptors(process)}
        except PermissionError:
            pytest.skip("another user's processes cannot be looked into")
        kinds = {name.split(":")[0].split(" ")[0].strip("/") for name in names}
        assert kinds <= {"dev/null", "socket", "memfd", "memfd:bridge-model"}


def list_descriptors(process: int) -> list[str]:
    return [entry.name for entry in (Path("/proc") / str(process) / "fd").iterdir()]
