"""What is computed at conversion is what onnxruntime would have computed."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from bridge.lower.builder import OPSET
from bridge.lower.folding import fold
from tests.lower.graphs import Array

A = np.array([[-2.5, -0.0, 0.0], [1.0, 3.5, np.inf]], np.float32)
B = np.array([0.5, -1.0, 2.0], np.float32)
TRUTH = np.array([True, False, True])

CASES: dict[str, tuple[list[Array], dict[str, Any]]] = {
    **{operator: ([A, B], {}) for operator in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Less", "Greater", "Equal")},
    **{operator: ([A], {}) for operator in ("Neg", "Abs", "Exp", "Log", "Sqrt", "Reciprocal", "Softplus", "Tanh", "Floor")},
    "Not": ([TRUTH], {}),
    "And": ([TRUTH, ~TRUTH], {}),
    "Where": ([TRUTH, A, B], {}),
    "Cast": ([B], {"to": onnx.TensorProto.INT64}),
    "Reshape": ([A, np.array([0, -1, 1])], {}),
    "Unsqueeze": ([A, np.array([0, 3])], {}),
    "Squeeze": ([A[:1], np.array([0])], {}),
    "Transpose": ([A], {"perm": [1, 0]}),
    "Concat": ([A, A], {"axis": 1}),
    "Expand": ([B, np.array([2, 1])], {}),
    "Gather": ([A, np.array([[2, 0]])], {"axis": 1}),
    "Shape": ([A], {"start": 1, "end": 2}),
    "Identity": ([A], {}),
}
INTEGERS: dict[str, tuple[list[Array], dict[str, Any]]] = {
    operator: ([np.array([7, 8]), np.array([2, 3])], {}) for operator in ("Add", "Sub", "Mul", "Div", "Max", "Min")
}


def computed(operator: str, inputs: list[Array], attributes: dict[str, Any]) -> Array:
    """What onnxruntime computes, with the constants as inputs so that it cannot fold either."""
    names = [f"x{k}" for k in range(len(inputs))]
    types = [numpy_helper.from_array(x).data_type for x in inputs]
    values = [
        helper.make_tensor_value_info(name, kind, list(x.shape)) for name, kind, x in zip(names, types, inputs, strict=True)
    ]
    result = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph([helper.make_node(operator, names, ["y"], **attributes)], "g", values, [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, dict(zip(names, inputs, strict=True)))[0])


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes"),
    [(operator, *case) for cases in (CASES, INTEGERS) for operator, case in cases.items()],
)
def test_folded_result_is_the_one_at_run_time(operator: str, inputs: list[Array], attributes: dict[str, Any]) -> None:
    found = fold(operator, inputs, attributes)
    expected = computed(operator, inputs, attributes)
    assert found is not None
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "target", [onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT32, onnx.TensorProto.BOOL]
)
def test_casts_to_every_type_are_those_of_the_run_time(target: int) -> None:
    found = fold("Cast", [B], {"to": target})
    expected = computed("Cast", [B], {"to": target})
    assert found is not None
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("operator", ["MatMul", "Sigmoid", "NoSuchOperator"])
def test_other_operators_stay_nodes(operator: str) -> None:
    assert fold(operator, [A, B], {}) is None


def test_great_constants_are_reshaped_in_place_and_otherwise_left_alone() -> None:
    great = np.zeros((1 << 22) + 1, np.float32)
    reshaped = fold("Reshape", [great, np.array([1, -1])], {})
    assert reshaped is not None
    assert np.shares_memory(reshaped, great)
    assert fold("Neg", [great], {}) is None


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        ("Add", [np.zeros((1 << 20, 1), np.float32), np.zeros((1, 1 << 20), np.float32)]),
        ("Expand", [np.zeros(1, np.float32), np.array([1 << 40])]),
        ("Gather", [np.zeros((2, 1 << 20), np.float32), np.zeros(1 << 20, np.int64)]),
        ("Where", [np.zeros((1 << 20, 1), bool), np.zeros(1, np.float32), np.zeros((1, 1 << 20), np.float32)]),
    ],
)
def test_small_operands_that_broadcast_to_something_enormous_stay_nodes(operator: str, inputs: list[Array]) -> None:
    tracemalloc.start()
    try:
        assert fold(operator, inputs, {}) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
