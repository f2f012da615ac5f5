"""Requests that follow each other in one worker, which remembers what it worked out for those before."""

import contextlib
import importlib
import mmap
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from bridge.package.interface import Bound, Interface, Tensor
from bridge.runtime.isolation.answering import Answering
from bridge.runtime.isolation.engine import StoppableRun
from bridge.runtime.isolation.frames import Placed, ProtocolError, Request, Status, pack_request, unpack_answer
from bridge.runtime.isolation.job import Job
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.isolation.shared_memory import TensorArea, copied
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.served import ModelIdentity

Make = Callable[..., IsolatedModel]
squares: Callable[[], bytes] = importlib.import_module("hostile_models").squares

INTERFACE = Interface(
    kind="onnx",
    model_files=("model.onnx",),
    inputs=(Tensor("x", "float32", ("N", "M")), Tensor("flags", "bool", ("N",))),
    outputs=(Tensor("sum", "float32", ("N", "M")), Tensor("not", "bool", ("N",)), Tensor("kept", "int64", ("K",))),
    symbols={"N": Bound(1, 64), "M": Bound(1, 8), "K": Bound(0, 64)},
)


def two_inputs() -> bytes:
    """Twice x, not flags, and the numbers of the flags that are set, of which there may be none."""
    float32, truth, int64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64
    nodes = [
        helper.make_node("Add", ["x", "x"], ["sum"]),
        helper.make_node("Not", ["flags"], ["not"]),
        helper.make_node("NonZero", ["flags"], ["where"]),
        helper.make_node("Reshape", ["where", "flat"], ["kept"]),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", float32, ["N", "M"]), helper.make_tensor_value_info("flags", truth, ["N"])],
        [
            helper.make_tensor_value_info("sum", float32, ["N", "M"]),
            helper.make_tensor_value_info("not", truth, ["N"]),
            helper.make_tensor_value_info("kept", int64, ["K"]),
        ],
        initializer=[helper.make_tensor("flat", int64, [1], [-1])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_every_request_has_its_own_answer_whatever_was_asked_before() -> None:
    limits = RuntimeLimits(intra_op_threads=1)
    identity = ModelIdentity("two", "1", "0" * 64, "")
    model = IsolatedModel(memoryview(two_inputs()), {}, INTERFACE, identity, limits, IsolationLimits(workers=1, spares=0))
    chance = np.random.default_rng(0)
    kept: list[tuple[dict[str, Any], dict[str, Any]]] = []
    try:
        for turn in range(300):
            rows, columns = chance.integers(1, 5, 2)
            x = chance.standard_normal((rows, columns)).astype(np.float32)
            flags = chance.random(rows) < chance.choice([0.0, 0.5, 1.0])
            wanted = (None, ["not"], ["kept", "sum"])[turn % 3]
            order = {"x": x, "flags": flags} if turn % 2 else {"flags": flags, "x": np.asfortranarray(x)}
            expected = {"sum": x + x, "not": ~flags, "kept": np.flatnonzero(flags)}
            kept.append((model.run(order, outputs=wanted), {name: expected[name] for name in wanted or expected}))
    finally:
        model.close()
    # Looked at when all is over: what was given is the caller's own, and no later request may have changed it.
    for answer, expected in kept:
        assert list(answer) == list(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(answer[name], array)
            assert answer[name].dtype == array.dtype


class Engine:
    """Answers as it was told to, and counts what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Any] = []

    def run(self, _: Any, feeds: dict[str, Any], __: Any) -> list[Any]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [feeds["x"] * answer]


def test_a_worker_packs_its_answer_anew_for_each_request() -> None:
    job = Job(inputs=("x",), outputs=("y",), input_bytes=4096, output_bytes=4096, model_bytes=1)
    inputs, outputs = TensorArea("inputs", 4096, writable=True), TensorArea("outputs", 4096, writable=False)
    engine = Engine()
    with mmap.mmap(inputs.descriptor, 4096, prot=mmap.PROT_READ) as theirs, mmap.mmap(outputs.descriptor, 4096) as ours:
        answering = Answering(job, engine, None, StoppableRun(), theirs, ours)
        placed = inputs.place([(0, np.dtype(np.float32), (3,))])
        np.copyto(inputs.window(placed[0]), np.arange(3, dtype=np.float32))
        engine.answers = [np.float32(1), RuntimeError("of the second"), np.float64(2), np.float32(3)]
        said = [
            unpack_answer(memoryview(bytes(answering.answer(memoryview(pack_request(Request(number, (0,), placed)))))))
            for number in range(7, 11)
        ]
        assert [answer.status for answer in said] == [Status.DONE, Status.FAILED, Status.DONE, Status.DONE]
        assert [answer.sequence for answer in said] == [7, 8, 9, 10]
        assert said[1].text == "RuntimeError: of the second"
        assert said[2].tensors[0].dtype == np.float64, "another type than the answer before had"
        np.testing.assert_array_equal(copied(outputs.window(said[3].tensors[0])), [0.0, 3.0, 6.0])
        del answering
    inputs.close()
    outputs.close()


@pytest.mark.parametrize(
    "tensor",
    [
        Placed(0, np.dtype(np.float32), (17,), 4096),
        Placed(0, np.dtype(np.float32), (1,), 4),
        Placed(0, np.dtype(np.float32), (0, 2**62), 0),
        Placed(0, np.dtype(np.float32), (2**61,), 64),
    ],
    ids=["behind the end", "not aligned", "of none by too many", "too large to count"],
)
def test_no_window_opens_beyond_an_area(tensor: Placed) -> None:
    area = TensorArea("outputs", 4096, writable=False)
    try:
        with pytest.raises(ProtocolError, match="a tensor of"):
            area.window(tensor)
    finally:
        area.close()


def test_an_area_with_a_window_open_closes_without_taking_it_away() -> None:
    area = TensorArea("inputs", 64, writable=True)
    (placed,) = area.place([(0, np.dtype(np.uint8), (4,))])
    window = area.window(placed)
    window[:] = 7
    area.close()
    assert window.tolist() == [7, 7, 7, 7]


def test_a_request_outlives_whoever_kills_workers_that_are_not_even_loaded(isolated: Make) -> None:
    model = isolated(squares(), isolation=IsolationLimits(workers=1, spares=0, memory_bytes=2 << 30))
    before = model.counters()["loads_failed"]
    enough = threading.Event()

    def kill() -> None:
        while model.counters()["loads_failed"] < before + 5:
            for process in model.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.001)
        enough.set()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    while model.counters()["loads_failed"] == before:
        time.sleep(0.001)
    answer = model.run({"x": np.full((1, 4), 3, np.float32)}, timeout=30)
    killer.join()
    assert enough.is_set(), "it was answered only when nobody killed any more"
    np.testing.assert_array_equal(answer["y"], np.full((1, 4), 9))
