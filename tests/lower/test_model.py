"""Whole converted models: their inputs, outputs, lengths and refusals. Tensor conventions, points 3 to 6."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from bridge.errors import UnsupportedOperatorsError
from bridge.graph.model import DEFAULT_BATCH_AXIS, FREE, Axis, AxisKind
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Graph, static_axis
from tests.lower.recurrence.cntk_cells import INPUTS, Gru, Lstm, Writer, recurrence

OTHER = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, name="other words"))


def test_shapes_have_symbols_for_dynamic_and_free_dimensions() -> None:
    graph = Graph()
    outputs = [
        graph.op("Tanh", graph.input("image", (3, FREE, FREE), BATCH), name="z"),
        graph.op("Exp", graph.input("words", (5,), SEQUENCE)),
        graph.op("Sin", graph.input("still", (2,), STATIC)),
    ]
    lowered = graph.lower(*outputs)
    assert {port.name: port.shape for port in lowered.inputs} == {
        "image": ("N", 3, "image_1", "image_2"),
        "words": ("N", "T", 5),
        "lengths": ("N",),
        "still": (2,),
    }
    assert [port.shape for port in lowered.outputs] == [("N", 3, "z_1", "z_2"), ("N", "T", 5), (2,)]
    assert [port.uid for port in lowered.outputs] == outputs


def test_several_sequence_axes_take_their_lengths_each_by_its_name() -> None:
    graph = Graph()
    y = graph.op("Tanh", graph.input("x", (), SEQUENCE))
    z = graph.op("Tanh", graph.input("z", (), OTHER))
    lowered = graph.lower(y, z)
    shapes = {port.name: port.shape for port in lowered.inputs}
    assert shapes["x"] == ("N", "T_defaultDynamicAxis")
    assert shapes["z"] == ("N", "T_other_words")
    assert shapes["other words_lengths"] == ("N",)
    made = graph.convert(y, z).run({"x": [[1, 2]], "z": [[3, 4, 5]], "other words_lengths": [1]})
    np.testing.assert_allclose(made[y], np.tanh([[1, 2]]), rtol=1e-6)
    np.testing.assert_allclose(made[z], [[np.tanh(3), 0, 0]], rtol=1e-6)


def test_lengths_are_optional() -> None:
    graph = Graph()
    y = graph.op("Exp", graph.input("x", (), SEQUENCE))
    lowered = graph.lower(y)
    proto = ir.to_proto(lowered.model)
    assert [value.name for value in proto.graph.input] == ["x", "lengths"]
    assert "lengths" in [tensor.name for tensor in proto.graph.initializer]
    np.testing.assert_allclose(graph.run(y, {"x": [[0, 1], [2, 3]]}), np.exp([[0, 1], [2, 3]]), rtol=1e-6)


def test_lengths_beyond_the_padding_count_as_full() -> None:
    graph = Graph()
    y = graph.op("Exp", graph.input("x", (), SEQUENCE))
    assert graph.run(y, {"x": [[0, 0], [0, 0]]}, [9, 1]).tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize("operator", ["Tanh", "LSTM", "Scan"])
def test_empty_sequence_disturbs_no_other(operator: str) -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    if operator == "Tanh":
        y = graph.op("Tanh", x)
    else:
        y = recurrence(Writer(graph), x, Lstm() if operator == "LSTM" else Gru(stabiliser=0.5), delay="FutureValue")
    values = np.random.default_rng(0).standard_normal((2, 3, INPUTS)).astype(np.float32)
    converted = graph.convert(y)
    made = converted.run({"x": np.concatenate([values, np.full((1, 3, INPUTS), np.nan)])}, [3, 2, 0])[y]
    np.testing.assert_allclose(made[:2], converted.run({"x": values}, [3, 2])[y], rtol=1e-6)
    assert not made[2].any()


def test_input_called_lengths_keeps_its_name() -> None:
    graph = Graph()
    y = graph.op("Plus", graph.input("x", (2,), SEQUENCE), graph.input("lengths", (2,), SEQUENCE))
    converted = graph.convert(y)
    made = converted.run({"x": [[[1, 2], [3, 4]]], "lengths": [[[10, 20], [30, 40]]], "lengths_1": [1]})
    assert made[y].tolist() == [[[11, 22], [0, 0]]]


def test_padded_steps_of_outputs_are_zero_and_what_only_outputs_need_is_kept() -> None:
    graph = Graph()
    x = graph.input("x", (), SEQUENCE)
    graph.op("Negate", x)  # no output needs it
    y = graph.op("Exp", x)
    assert graph.run(y, {"x": [[0, np.nan], [0, 0]]}, [1, 2]).tolist() == [[1, 0], [1, 1]]
    assert "Neg" not in graph.operators(y)


def test_weights_that_nothing_reads_are_left_out() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    unused = graph.parameter(np.full((50, 50), 3.0))
    graph.op("Plus", unused, unused)
    y = graph.op("Plus", x, graph.parameter([1.0, 2.0]))
    values = graph.lower(y).model.graph.initializers.values()
    assert [value.shape for value in values] == [ir.Shape([2])]


def test_one_value_may_be_several_outputs() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    y = graph.op("Tanh", x)
    hole = graph.placeholder("p")
    same = graph.block("Layer", graph.op("Dropout", hole, dropoutRate=0.5), {hole: y})
    made = graph.run_all([y, same], {"x": [[1, 2]]})
    np.testing.assert_array_equal(made[y], made[same])


@pytest.mark.parametrize("axes", [BATCH, SEQUENCE])
def test_constant_may_be_an_output(axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    doubled = graph.op("Plus", graph.parameter([1.0, 2.0]), graph.constant([1.0, 2.0]))
    y = graph.op("Negate", graph.input("x", (2,), axes))
    made = graph.run_all([doubled, y], {"x": np.zeros((1, 3, 2) if axes == SEQUENCE else (1, 2))})
    assert made[doubled].tolist() == [2, 4]


def test_parameter_may_be_an_output_twice() -> None:
    graph = Graph()
    weights = graph.parameter([1.0, 2.0])
    same = graph.op("StopGradient", weights)
    made = graph.run_all([weights, same], {})
    assert made[weights].tolist() == made[same].tolist() == [1, 2]


def test_everything_that_cannot_be_converted_is_reported_at_once() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    random = graph.op("RandomSample", x, numSamples=2, allowDuplicates=True, name="noise")
    refused_form = graph.op("Where", x, newDynamicAxes=SEQUENCE, name="chosen")
    after = graph.op("Tanh", random, name="after")
    lattice = graph.op("LatticeSequenceWithSoftmax", x, x, x, x, name="lattice")
    with pytest.raises(UnsupportedOperatorsError, match=r"3 node\(s\) cannot be converted") as caught:
        graph.lower(after, refused_form, lattice)
    found = {refusal.node: refusal.operator for refusal in caught.value.refusals}
    assert found == {"noise": "RandomSample", "chosen": "Where", "lattice": "LatticeSequenceWithSoftmax"}
    assert all(refusal.reason for refusal in caught.value.refusals)
    assert "after" not in str(caught.value)


def test_operator_that_does_not_exist_is_refused_by_name() -> None:
    graph = Graph()
    with pytest.raises(UnsupportedOperatorsError, match="NoSuchThing strange: there is no such operator in CNTK"):
        graph.lower(graph.op("NoSuchThing", graph.input("x", (2,)), name="strange"))


def test_what_no_wanted_output_needs_may_be_inconvertible() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    graph.op("RandomSample", x, numSamples=2, allowDuplicates=True)
    assert graph.operators(graph.op("Tanh", x)) == ["Tanh"]


def test_the_same_graph_is_lowered_to_the_same_bytes() -> None:
    def lowered() -> bytes:
        graph = Graph()
        x = graph.input("x", (INPUTS,), SEQUENCE)
        cells = [recurrence(Writer(graph), x, cell, delay=delay) for cell in (Lstm(), Gru(stabiliser=0.1))
                 for delay in ("PastValue", "FutureValue")]  # fmt: skip
        y = graph.op("Splice", *cells, axis=static_axis(0))
        serialised: bytes = ir.to_proto(graph.lower(y).model).SerializeToString(deterministic=True)
        return serialised

    assert lowered() == lowered()
