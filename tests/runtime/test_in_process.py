"""Models in process: deadlines, places, counters, and what engine and caller do wrong."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import bridge
from bridge.errors import (
    DeadlineExceeded,
    InvalidInputError,
    InvalidOptionError,
    ModelFailedError,
    OverloadedError,
    UnknownOutputError,
)
from bridge.package.interface import Bound, Interface, ServingLimits, Tensor, read_interface
from bridge.runtime.admission.admitting import Examination
from bridge.runtime.admission.registry import CHECKS
from bridge.runtime.engine import create_session
from bridge.runtime.in_process import InProcessModel
from bridge.runtime.limits import ModelLimits, RuntimeLimits
from bridge.runtime.served import ModelIdentity
from tests.runtime.admission.honest import WEIGHTS
from tests.runtime.packages import unsigned_package

X = np.ones((2, 4), np.float32)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def loaded(package: Path, limits: RuntimeLimits | None = None) -> InProcessModel:
    model = bridge.load(package, allow_unsigned=True, limits=limits or RuntimeLimits())
    assert isinstance(model, InProcessModel)
    return model


def busy_package(folder: Path, seconds: float = 30.0) -> Path:
    """``n`` products of matrices in a Loop, as many as the input says: between two of them the engine can be stopped."""
    body = helper.make_graph(
        [helper.make_node("MatMul", ["state", "m"], ["next"]), helper.make_node("Identity", ["go"], ["going"])],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [300, 300]),
        ],
        [
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [300, 300]),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["n", "zero", "one"], ["trips"]),
            helper.make_node("Loop", ["trips", "", "m"], ["y"], body=body),
        ],
        "main",
        [helper.make_tensor_value_info("n", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [300, 300])],
        [
            numpy_helper.from_array(np.eye(300, dtype=np.float32), "m"),
            numpy_helper.from_array(np.array([0], np.int64), "zero"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    interface = Interface(
        kind="onnx",
        model_files=("model.onnx",),
        inputs=(Tensor("n", "int64", (1,), minimum=0),),
        outputs=(Tensor("y", "float32", (300, 300)),),
        symbols={},
        limits=ServingLimits(seconds=seconds),
    )
    return unsigned_package(folder, model.SerializeToString(), interface)


def one_product_package(folder: Path, size: int) -> Path:
    """One product of large matrices, within which no engine can be stopped."""
    nodes = [helper.make_node("Expand", ["x", "shape"], ["a"]), helper.make_node("MatMul", ["a", "a"], ["p"])]
    nodes.append(helper.make_node("ReduceMax", ["p"], ["y"], keepdims=0))
    graph = helper.make_graph(
        nodes,
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
        [numpy_helper.from_array(np.array([size, size], np.int64), "shape")],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    interface = Interface(
        kind="onnx",
        model_files=("model.onnx",),
        inputs=(Tensor("x", "float32", (1, 1), finite=True),),
        outputs=(Tensor("y", "float32", ()),),
        symbols={},
    )
    return unsigned_package(folder, model.SerializeToString(), interface)


LOOPS = RuntimeLimits(
    model=ModelLimits(declared_operators=frozenset({"Loop"}), loop_trips=1 << 62, nested_trips=1 << 62), intra_op_threads=1
)
ENDLESS = {"n": np.array([1 << 40])}
SHORT = {"n": np.array([1])}


def busy(tmp_path: Path, *, seconds: float = 30.0, concurrent_runs: int = 4, waiting_runs: int = 64) -> InProcessModel:
    """The busy model; its number of trips is an input, which the check of loops would refuse."""
    package = busy_package(tmp_path / "package", seconds)
    limits = dataclasses.replace(LOOPS, concurrent_runs=concurrent_runs, waiting_runs=waiting_runs)

    interface = read_interface((package / "interface.json").read_bytes())
    examination = Examination(tuple(check for check in CHECKS if check.name != "loops"))
    admitted = examination.admit(memoryview((package / "model.onnx").read_bytes()), {}, limits.model, interface)
    return InProcessModel(create_session(admitted, limits), interface, ModelIdentity("busy", "", "", ""), limits)


def test_caller_without_a_timeout_is_held_to_the_limit_of_the_interface(tmp_path: Path) -> None:
    model = busy(tmp_path, seconds=0.3)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"0\.3 s"):
        model.run(ENDLESS)
    assert time.monotonic() - started < 5
    assert model.counters()["stopped"] == 1
    assert model.run(SHORT)["y"].shape == (300, 300)


def test_caller_with_a_timeout_is_released_on_time_and_the_next_call_succeeds(tmp_path: Path) -> None:
    model = busy(tmp_path)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded) as late:
        model.run(ENDLESS, timeout=0.2)
    assert 0.2 <= time.monotonic() - started < 1
    assert late.value.seconds == 0.2
    assert model.run(SHORT, timeout=5)["y"].shape == (300, 300)
    assert model.counters()["left_behind"] == 1
    until = time.monotonic() + 10
    while model.counters()["running"] and time.monotonic() < until:
        time.sleep(0.01)
    assert model.counters()["running"] == 0, "the run that was left behind has stopped between two operators"


def test_caller_is_released_from_within_one_operator(tmp_path: Path) -> None:
    limits = RuntimeLimits(intra_op_threads=1, warm_up=False)
    model = loaded(one_product_package(tmp_path / "package", 3000), limits)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        model.run({"x": np.ones((1, 1), np.float32)}, timeout=0.05)
    assert time.monotonic() - started < 0.6
    assert model.counters()["running"] == 1, "the engine goes on, and keeps its place until it is done"


def test_calls_beyond_places_and_queue_are_refused_at_once(tmp_path: Path) -> None:
    model = busy(tmp_path, concurrent_runs=1, waiting_runs=0)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(model.run, ENDLESS, timeout=1.0)
        while not model.counters()["running"]:
            time.sleep(0.005)
        with pytest.raises(OverloadedError):
            model.run(SHORT)
        with pytest.raises(DeadlineExceeded):
            first.result()
    assert model.counters()["overloaded"] == 1


def test_waiting_call_gets_the_place_of_the_one_before(tmp_path: Path) -> None:
    model = busy(tmp_path, concurrent_runs=1, seconds=5.0)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(model.run, {"n": np.array([20])}) for _ in range(8)]
        assert all(answer.result()["y"].shape == (300, 300) for answer in answers)
    assert model.counters() == {"runs": 8, "stopped": 0, "left_behind": 0, "failed": 0, "overloaded": 0, "running": 0}


def test_many_threads_get_their_own_answers(tmp_path: Path) -> None:
    model = loaded(unsigned_package(tmp_path / "package"))

    def ask(number: int) -> bool:
        x = np.full((1 + number % 5, 4), number, np.float32)
        return np.array_equal(model.run({"x": x}, timeout=10 if number % 2 else None)["y"], x @ WEIGHTS)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))


def test_failure_of_the_engine_is_our_error(tmp_path: Path) -> None:
    graph = onnx.ModelProto.FromString((unsigned_package(tmp_path / "honest") / "model.onnx").read_bytes())
    graph.graph.node.insert(0, helper.make_node("Reshape", ["x", "shape"], ["r"]))
    graph.graph.initializer.append(numpy_helper.from_array(np.array([2, 4], np.int64), "shape"))
    graph.graph.node[1].input[0] = "r"
    package = unsigned_package(tmp_path / "package", graph.SerializeToString())
    model = loaded(package, RuntimeLimits(warm_up=False))
    assert model.run({"x": X})["y"].shape == (2, 3)
    for timeout in (None, 5.0):
        with pytest.raises(ModelFailedError, match="the engine failed"):
            model.run({"x": np.ones((3, 4), np.float32)}, timeout=timeout)
    assert model.counters()["failed"] == 2
    assert model.run({"x": X}, timeout=5.0)["y"].shape == (2, 3)


def test_answer_of_another_shape_than_signed_is_refused(tmp_path: Path) -> None:
    interface = Interface(
        kind="onnx",
        model_files=("model.onnx",),
        inputs=(Tensor("x", "float32", ("N", 4)),),
        outputs=(Tensor("y", "float32", ("N", "M")), Tensor("z", "float32", ("M", 3))),
        symbols={"N": Bound(1, 9), "M": Bound(1, 9)},
    )
    graph = onnx.ModelProto.FromString((unsigned_package(tmp_path / "honest") / "model.onnx").read_bytes())
    graph.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "M"
    graph.graph.node.append(helper.make_node("Identity", ["w"], ["z"]))
    graph.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["M", 3]))
    package = unsigned_package(tmp_path / "package", graph.SerializeToString(), interface)
    model = loaded(package, RuntimeLimits(warm_up=False))
    with pytest.raises(ModelFailedError, match=r"output 'z': expected the shape \[M = 3, 3\]; found \(4, 3\)"):
        model.run({"x": X})
    assert model.run({"x": X}, outputs=["z"])["z"].shape == (4, 3)


def test_answer_that_is_not_finite_is_refused_where_that_is_asked_for(tmp_path: Path) -> None:
    package = unsigned_package(tmp_path / "package")
    large = {"x": np.full((1, 4), 3e38, np.float32)}
    assert np.isinf(loaded(package).run(large)["y"]).any()
    with pytest.raises(ModelFailedError, match="finite"):
        loaded(package, RuntimeLimits(finite_outputs=True)).run(large)


def test_outputs_are_chosen_by_name(tmp_path: Path) -> None:
    model = loaded(unsigned_package(tmp_path / "package"))
    assert list(model.run({"x": X}, outputs=["y", "y"])) == ["y"]
    with pytest.raises(UnknownOutputError, match="nope"):
        model.run({"x": X}, outputs=["nope"])


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_timeout_that_is_none_is_bad_usage(tmp_path: Path, timeout: float) -> None:
    with pytest.raises(InvalidOptionError, match="timeout"):
        loaded(unsigned_package(tmp_path / "package")).run({"x": X}, timeout=timeout)


def test_closed_model_refuses_and_its_threads_end(tmp_path: Path) -> None:
    model = loaded(unsigned_package(tmp_path / "package"))
    model.run({"x": X}, timeout=5)
    before = threading.active_count()
    model.close()
    model.close()
    with pytest.raises(ModelFailedError, match="closed"):
        model.run({"x": X})
    until = time.monotonic() + 5
    while threading.active_count() >= before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() < before


def test_refused_inputs_reach_no_engine(tmp_path: Path) -> None:
    model = loaded(unsigned_package(tmp_path / "package"), RuntimeLimits(warm_up=False))
    with pytest.raises(InvalidInputError):
        model.run({"x": X.astype(np.float64)})
    assert model.counters()["runs"] == 0
