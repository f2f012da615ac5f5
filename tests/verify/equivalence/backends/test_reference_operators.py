"""Our recurrent operators and Scan beside onnxruntime's."""

import itertools
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from verify.equivalence.backends import BackendError
from verify.equivalence.backends.onnx_reference import OnnxReference
from verify.equivalence.backends.onnxruntime import OnnxRuntime

STEPS, BATCH, WIDTH, HIDDEN = 5, 3, 4, 2
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
ACTIVATIONS = {
    "RNN": [["Tanh"], ["Relu"], ["Softsign"]],
    "GRU": [["Sigmoid", "Tanh"], ["Sigmoid", "Softsign"]],
    "LSTM": [["Sigmoid", "Tanh", "Tanh"], ["Sigmoid", "Relu", "Softsign"]],
}
OUTPUTS = {"RNN": ["Y", "Y_h"], "GRU": ["Y", "Y_h"], "LSTM": ["Y", "Y_h", "Y_c"]}
RECURRENT = [
    (operator, direction, activations, lengths)
    for operator in GATES
    for direction, activations, lengths in itertools.product(
        ("forward", "reverse", "bidirectional"), ACTIVATIONS[operator], (None, [5, 1, 3])
    )
]


def model_of(node: onnx.NodeProto, inputs: dict[str, np.ndarray[Any, Any]]) -> onnx.ModelProto:
    types = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32}
    given = [helper.make_tensor_value_info(name, types[value.dtype], value.shape) for name, value in inputs.items()]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in node.output]
    graph = helper.make_graph([node], "g", given, made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def assert_like_onnxruntime(node: onnx.NodeProto, inputs: dict[str, np.ndarray[Any, Any]]) -> None:
    model = model_of(node, inputs)
    ours = OnnxReference(model).run(inputs)
    theirs = OnnxRuntime(model.SerializeToString()).run(inputs)
    for name in node.output:
        assert ours[name].dtype == theirs[name].dtype
        np.testing.assert_allclose(ours[name].astype(float), theirs[name].astype(float), rtol=1e-5, atol=1e-6, err_msg=name)


def recurrent_inputs(operator: str, directions: int, lengths: list[int] | None, *, states: bool) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    rows = GATES[operator] * HIDDEN

    def drawn(*shape: int) -> np.ndarray[Any, Any]:
        return rng.normal(size=shape).astype(np.float32)

    inputs = {
        "X": drawn(STEPS, BATCH, WIDTH),
        "W": drawn(directions, rows, WIDTH),
        "R": drawn(directions, rows, HIDDEN),
        "B": drawn(directions, 2 * rows),
    }
    if lengths is not None:
        inputs["lengths"] = np.array(lengths, np.int32)
    if states:
        inputs["h"] = drawn(directions, BATCH, HIDDEN)
        if operator == "LSTM":
            inputs |= {"c": drawn(directions, BATCH, HIDDEN), "P": drawn(directions, 3 * HIDDEN)}
    return inputs


@pytest.mark.parametrize(("operator", "direction", "activations", "lengths"), RECURRENT)
@pytest.mark.parametrize("states", [False, True])
def test_recurrent_operator_computes_what_onnxruntime_computes(
    operator: str, direction: str, activations: list[str], lengths: list[int] | None, states: bool
) -> None:
    directions = 2 if direction == "bidirectional" else 1
    inputs = recurrent_inputs(operator, directions, lengths, states=states)
    order = ("X", "W", "R", "B", "lengths", "h", "c", "P")
    names = [name if name in inputs else "" for name in order]
    node = helper.make_node(
        operator,
        names if operator == "LSTM" else names[:6],
        OUTPUTS[operator],
        hidden_size=HIDDEN,
        direction=direction,
        activations=activations * directions,
    )
    assert_like_onnxruntime(node, inputs)


@pytest.mark.parametrize("after", [0, 1])
def test_gru_resets_before_or_after_the_product(after: int) -> None:
    inputs = recurrent_inputs("GRU", 1, [5, 1, 3], states=True)
    node = helper.make_node("GRU", list(inputs), ["Y"], hidden_size=HIDDEN, linear_before_reset=after)
    assert_like_onnxruntime(node, inputs)


@pytest.mark.parametrize("extra", [{"clip": 1.0}, {"activations": ["HardSigmoid", "Tanh"]}])
def test_what_is_not_supported_is_refused_by_name(extra: dict[str, Any]) -> None:
    inputs = recurrent_inputs("GRU", 1, None, states=False)
    node = helper.make_node("GRU", list(inputs), ["Y"], hidden_size=HIDDEN, **extra)
    with pytest.raises(BackendError, match=r"attribute clip is not supported|activation HardSigmoid is not supported"):
        OnnxReference(model_of(node, inputs)).run(inputs)


def scan_node(**attributes: Any) -> onnx.NodeProto:
    """The running sum of a scanned input plus a value from the graph around it, and twice each sum."""
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("s", "x", "t", "y")}
    nodes = [
        helper.make_node("Add", ["s", "x"], ["u"]),
        helper.make_node("Add", ["u", "offset"], ["t"]),
        helper.make_node("Add", ["t", "t"], ["y"]),
    ]
    body = helper.make_graph(nodes, "body", [values["s"], values["x"]], [values["t"], values["y"]])
    return helper.make_node("Scan", ["start", "X"], ["last", "sums"], body=body, num_scan_inputs=1, **attributes)


@pytest.mark.parametrize("axis_in", [0, 1])
@pytest.mark.parametrize("axis_out", [0, 1, -1])
@pytest.mark.parametrize("backward", [0, 1])
@pytest.mark.parametrize("turned", [0, 1])
def test_scan_goes_along_any_axis_in_both_directions(axis_in: int, axis_out: int, backward: int, turned: int) -> None:
    scanned = np.arange(12, dtype=np.float32).reshape((4, 3) if axis_in == 0 else (3, 4))
    inputs = {"start": np.ones(3, np.float32), "X": scanned, "offset": np.array([0.5, 0, -1], np.float32)}
    node = scan_node(
        scan_input_axes=[axis_in],
        scan_output_axes=[axis_out],
        scan_input_directions=[backward],
        scan_output_directions=[turned],
    )
    assert_like_onnxruntime(node, inputs)


def test_scan_over_no_steps_is_refused() -> None:
    inputs = {"start": np.ones(3, np.float32), "X": np.zeros((0, 3), np.float32), "offset": np.zeros(3, np.float32)}
    with pytest.raises(BackendError, match="Scan over no steps"):
        OnnxReference(model_of(scan_node(), inputs)).run(inputs)
