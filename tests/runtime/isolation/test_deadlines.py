"""Whatever a model does: the caller has an answer or an error on time, and the next request is not the worse for it.

Bounds of time are generous, since tests run beside other things; ``benchmarks/isolation.py`` has the figures.
"""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import BridgeError, DeadlineExceeded, InvalidInputError, InvalidOptionError, ModelFailedError, OverloadedError
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import RuntimeLimits

models: Any = importlib.import_module("hostile_models")

Make = Callable[..., IsolatedModel]

GOOD = {"x": np.arange(8, dtype=np.float32).reshape(2, 4)}
BAD = {"x": np.full((2, 4), -1, np.float32)}
LATE_AT_MOST = 3.0


def squared(answer: dict[str, np.ndarray[Any, Any]]) -> bool:
    return bool(np.array_equal(answer["y"], GOOD["x"] ** 2))


def seconds_until_error(model: IsolatedModel, kind: type[BridgeError], timeout: float) -> float:
    begun = time.monotonic()
    with pytest.raises(kind):
        model.run(BAD, timeout=timeout)
    return time.monotonic() - begun


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)


def has_loaded(model: IsolatedModel, workers: int) -> bool:
    return model.counters()["workers_loaded"] == workers


def test_answers_are_the_models(isolated: Make) -> None:
    model = isolated(models.squares())
    assert squared(model.run(GOOD))
    assert squared(model.run(GOOD, outputs=["y"]))


def test_files_beside_the_model_are_handed_over_in_memory(isolated: Make) -> None:
    weights = np.arange(4096, dtype=np.float32)
    external = {"model.onnx.data": memoryview(weights.tobytes())}
    data = memoryview(models.shifted_by_a_file("model.onnx.data", weights.size))
    model = isolated(data, external=external)
    assert np.array_equal(model.run(GOOD)["y"], GOOD["x"] + weights[:4])


@pytest.mark.slow
def test_tensor_of_more_than_2_gib_beside_the_model_is_handed_over(isolated: Make) -> None:
    elements = (1 << 29) + 1024
    if os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 10 << 30:
        pytest.skip("takes 10 GiB of free memory")
    weights = np.zeros(elements, np.float32)
    weights[:4] = range(4)
    data = models.shifted_by_a_file("model.onnx.data", elements)
    isolation = IsolationLimits(workers=1, spares=0, memory_bytes=4 << 30)
    model = isolated(data, isolation=isolation, external={"model.onnx.data": weights.data.cast("B")})
    assert np.array_equal(model.run(GOOD)["y"], GOOD["x"] + weights[:4])


def test_one_operator_that_takes_half_a_minute_holds_nobody_up(isolated: Make) -> None:
    model = isolated(models.one_long_operator())
    assert seconds_until_error(model, DeadlineExceeded, 0.3) < 0.3 + LATE_AT_MOST
    begun = time.monotonic()
    assert squared(model.run(GOOD))
    assert time.monotonic() - begun < LATE_AT_MOST
    # On a busy machine the operator may not have begun, and the run be stopped before it.
    wait_for(lambda: model.counters()["hard_kills"] + model.counters()["soft_stops"] == 1)
    wait_for(lambda: len(model.processes()) == 2)


def test_an_endless_loop_is_stopped_and_its_worker_kept(isolated: Make) -> None:
    model = isolated(models.endless_loop(), isolation=IsolationLimits(memory_bytes=2 << 30, grace_seconds=10))
    workers = set(model.processes())
    assert seconds_until_error(model, DeadlineExceeded, 0.3) < 0.3 + LATE_AT_MOST
    assert squared(model.run(GOOD))
    wait_for(lambda: model.counters()["soft_stops"] == 1)
    assert set(model.processes()) == workers


def test_an_allocation_beyond_the_limit_fails_and_the_worker_lives(isolated: Make) -> None:
    model = isolated(models.large_allocation())
    workers = set(model.processes())
    with pytest.raises(ModelFailedError, match="allocate"):
        model.run(BAD)
    assert squared(model.run(GOOD))
    assert set(model.processes()) == workers


def test_a_model_that_hangs_while_it_is_loaded_is_given_up(isolated: Make) -> None:
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="loading the model"):
        isolated(models.load_bomb(), RuntimeLimits(load_seconds=0.5, intra_op_threads=1))
    assert time.monotonic() - begun < 0.5 + 10 * LATE_AT_MOST


def test_a_model_that_is_none_is_refused_with_the_engines_words(isolated: Make) -> None:
    with pytest.raises(ModelFailedError, match="the engine does not load the model"):
        isolated(b"no model")


def test_late_requests_one_after_another_leave_a_worker_for_the_next(isolated: Make) -> None:
    model = isolated(models.one_long_operator())
    for _ in range(4):
        seconds_until_error(model, DeadlineExceeded, 0.1)
    assert squared(model.run(GOOD, timeout=10))


def test_a_killed_worker_loses_no_request(isolated: Make) -> None:
    model = isolated(models.squares(), isolation=IsolationLimits(workers=2, spares=1))
    stop = threading.Event()
    wrong: list[object] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                if not squared(model.run(GOOD, timeout=10)):
                    wrong.append("another answer")
            except BridgeError as error:
                wrong.append(error)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for killed in range(1, 6):
        os.kill(model.processes()[-1], signal.SIGKILL)
        # One at a time: a request may lose one worker, not two.
        wait_for(partial(has_loaded, model, 3 + killed))
    stop.set()
    for asker in askers:
        asker.join()
    assert wrong == []
    counts = model.counters()
    assert counts["crashes"] == 5
    assert counts["requests"] == counts["answered"] > 0


def test_workers_come_back_after_the_fork_server_was_killed(isolated: Make) -> None:
    from bridge.runtime.isolation.fork_server import shared_fork_server

    model = isolated(models.squares())
    server = shared_fork_server().process_id()
    assert server is not None
    before = set(model.processes())
    os.kill(server, signal.SIGKILL)
    wait_for(lambda: len(model.processes()) == 2 and not before & set(model.processes()))
    assert squared(model.run(GOOD, timeout=20))


def test_more_calls_than_may_wait_are_refused_at_once(isolated: Make) -> None:
    model = isolated(models.one_long_operator(), RuntimeLimits(waiting_runs=0, intra_op_threads=1))
    busy = threading.Thread(target=seconds_until_error, args=(model, DeadlineExceeded, 3))
    busy.start()
    try:
        wait_for(lambda: bool(model._pool._busy))
        with pytest.raises(OverloadedError, match="wait for a worker"):
            model.run(GOOD)
    finally:
        busy.join()


def test_a_call_that_waits_for_a_worker_ends_at_its_deadline(isolated: Make) -> None:
    model = isolated(models.one_long_operator())
    busy = threading.Thread(target=seconds_until_error, args=(model, DeadlineExceeded, 3))
    busy.start()
    try:
        wait_for(lambda: bool(model._pool._busy))
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            model.run(GOOD, timeout=0.2)
        assert time.monotonic() - begun < 0.2 + LATE_AT_MOST
    finally:
        busy.join()


def test_every_request_is_counted_once(isolated: Make) -> None:
    model = isolated(models.large_allocation())
    model.run(GOOD)
    with pytest.raises(ModelFailedError):
        model.run(BAD)
    with pytest.raises(InvalidInputError):
        model.run({"x": np.zeros((2, 5), np.float32)})
    with pytest.raises(InvalidOptionError):
        model.run(GOOD, timeout=0)
    counts = model.counters()
    assert [counts[name] for name in ("requests", "answered", "failed", "invalid", "late", "overloaded")] == [3, 1, 1, 1, 0, 0]


def test_a_closed_model_refuses_and_leaves_no_process(isolated: Make) -> None:
    model = isolated(models.squares())
    workers = model.processes()
    model.close()
    model.close()
    with pytest.raises(ModelFailedError, match="closed"):
        model.run(GOOD)
    wait_for(lambda: not any(is_running(process) for process in workers))


def test_closing_ends_the_run_that_is_under_way(isolated: Make) -> None:
    model = isolated(models.one_long_operator())
    ended: list[BaseException] = []

    def ask() -> None:
        try:
            model.run(BAD, timeout=30)
        except BridgeError as error:
            ended.append(error)

    asker = threading.Thread(target=ask)
    asker.start()
    time.sleep(0.3)
    model.close()
    asker.join(10)
    assert [type(error) for error in ended] == [ModelFailedError]


PROGRAM = """
import sys, threading
sys.path[:0] = {path!r}
import conftest, hostile_models
from bridge.runtime.isolation.fork_server import shared_fork_server
from bridge.runtime.isolation.model import IsolatedModel
model = IsolatedModel(memoryview(hostile_models.squares()), {{}}, conftest.interface(), conftest.IDENTITY)
print(*model.processes(), shared_fork_server().process_id())
"""


def test_a_program_that_ends_without_closing_leaves_nothing_behind() -> None:
    place = Path(__file__).parent
    path = [str(place), str(place / "hostile"), str(place.parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(path=path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    processes = [int(word) for word in done.stdout.split()]
    assert len(processes) == 3
    wait_for(lambda: not any(is_running(process) for process in processes))


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
