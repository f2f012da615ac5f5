"""ToSequence, ToSequenceLike, UnpackSequence, ToBatch and UnpackBatch: semantics reference, sections 6 and 7.2."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from bridge.graph.model import DEFAULT_BATCH_AXIS, FREE, Axis, AxisKind
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Array, Graph, static_axis
from tests.lower.ragged import Reference, holds_for_any_batch

MADE = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, name="made"))


def test_first_static_axis_becomes_the_steps_of_full_sequences() -> None:
    graph = Graph()
    y = graph.op("ToSequence", graph.input("x", (3, 2), BATCH), newDynamicAxes=MADE)
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    made = graph.run_all([y], {"x": x})
    np.testing.assert_array_equal(made[y], x)
    assert made[f"{y}_lengths"].tolist() == [3, 3]


@pytest.mark.parametrize("shape", [(), (1,)])
def test_sequences_made_are_as_long_as_the_second_operand_says(shape: tuple[int, ...]) -> None:
    graph = Graph()
    given = graph.input("given", shape, BATCH)
    y = graph.op("ToSequence", graph.input("x", (FREE, 2), BATCH), given, newDynamicAxes=MADE)
    total = graph.op("ReduceElements", y, axis=MADE[1], reductionOpName="Sum", reductionKeepDimensions=False)
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    made = graph.run_all([y, total], {"x": x, "given": np.reshape([2, 3], (2, *shape))})
    assert made[f"{y}_lengths"].tolist() == [2, 3]
    assert made[y][0].tolist() == [[0, 1], [2, 3], [0, 0]]
    assert made[total].tolist() == [[2, 4], [6 + 8 + 10, 7 + 9 + 11]]


def test_lengths_beyond_the_tensor_count_as_its_size() -> None:
    graph = Graph()
    y = graph.op("ToSequence", graph.input("x", (2,), BATCH), graph.input("given", (), BATCH), newDynamicAxes=MADE)
    made = graph.run_all([y], {"x": [[1, 2]], "given": [9]})
    assert made[f"{y}_lengths"].tolist() == [2]


@pytest.mark.parametrize(("shape", "axes"), [((3, 2), STATIC), ((2,), SEQUENCE)])
def test_sequence_made_of_anything_but_a_batch_is_refused(shape: tuple[int, ...], axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    y = graph.op("ToSequence", graph.input("x", shape, axes), newDynamicAxes=MADE)
    with pytest.raises(UnsupportedOperatorsError, match="expected a batch axis and no sequence axis"):
        graph.lower(y)


def test_sequence_of_scalars_cannot_be_made_of_scalars() -> None:
    graph = Graph()
    y = graph.op("ToSequence", graph.input("x", (), BATCH), newDynamicAxes=MADE)
    with pytest.raises(InvalidGraphError, match=r"ToSequence.*: .*no axis to turn into a sequence"):
        graph.lower(y)


def test_sequences_like_others_have_their_lengths() -> None:
    graph = Graph()
    like = graph.input("like", (), SEQUENCE)
    y = graph.op("ToSequenceLike", graph.input("x", (FREE, 2), BATCH), like)
    both = graph.op("Plus", y, like)
    x = np.ones((2, 3, 2), np.float32)
    made = graph.run(both, {"x": x, "like": [[1, 2, 3], [4, np.nan, np.nan]]}, [3, 1])
    assert made.tolist() == [[[2, 2], [3, 3], [4, 4]], [[5, 5], [0, 0], [0, 0]]]


def test_unpacked_padding_holds_the_padding_value() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    y = graph.op("UnpackSequence", x, outputs=2, sequenceUnpackPaddingValue=-5.0)
    mask = y.removesuffix("_0") + "_1"
    values = np.array([[[1, 2], [3, 4]], [[5, 6], [np.nan, np.nan]]], np.float32)
    made = graph.run_all([y, mask], {"x": values}, [2, 1])
    assert made[y].tolist() == [[[1, 2], [3, 4]], [[5, 6], [-5, -5]]]
    assert made[mask].tolist() == [[1, 1], [1, 0]]


def test_unpacked_without_a_mask_has_one_output() -> None:
    graph = Graph()
    x = graph.input("x", (), SEQUENCE)
    y = graph.op("UnpackSequence", x, sequenceUnpackPaddingValue=0.0, sequenceUnpackSuppressMaskOutput=True)
    assert graph.run_all([y], {"x": [[1, np.nan]]}, [1])[y].tolist() == [[1, 0]]


REDUCTIONS: dict[str, tuple[float, Reference]] = {
    "Sum": (0.0, lambda x: x.sum(axis=0)),
    "Max": (-np.inf, lambda x: x.max(axis=0)),
    "Min": (np.inf, lambda x: x.min(axis=0)),
    "Prod": (1.0, lambda x: x.prod(axis=0)),
    "LogSum": (-np.inf, lambda x: np.log(np.exp(x).sum(axis=0))),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction_over_unpacked_steps_is_the_one_over_real_steps(name: str) -> None:
    padding, reference = REDUCTIONS[name]
    graph = Graph()
    unpacked = graph.op("UnpackSequence", graph.input("x", (2, 3), SEQUENCE), outputs=2, sequenceUnpackPaddingValue=padding)
    y = graph.op("ReduceElements", unpacked, axis=static_axis(2), reductionOpName=name, reductionKeepDimensions=False)
    holds_for_any_batch(graph.convert(y), reference)


def over_steps(graph: Graph, unpacked: str, name: str) -> str:
    """A reduction over the steps of unpacked vectors."""
    return graph.op("ReduceElements", unpacked, axis=static_axis(1), reductionOpName=name, reductionKeepDimensions=False)


def test_softmax_over_steps_as_attention_computes_it() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    unpacked = graph.op("UnpackSequence", x, outputs=2, sequenceUnpackPaddingValue=-np.inf)
    highest = over_steps(graph, unpacked, "Max")
    shifted = graph.op("Exp", graph.op("Minus", x, graph.op("ReconcileDynamicAxis", highest, x)))
    padded = graph.op("UnpackSequence", shifted, outputs=2, sequenceUnpackPaddingValue=0.0)
    total = over_steps(graph, padded, "Sum")
    y = graph.op("ElementTimes", shifted, graph.op("ReconcileDynamicAxis", graph.op("Reciprocal", total), x))

    def reference(x: Array) -> Array:
        return np.asarray(np.exp(x) / np.exp(x).sum(axis=0))

    holds_for_any_batch(graph.convert(y), reference)


def test_unpacked_and_made_a_sequence_again_is_what_it_was() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    unpacked = graph.op("UnpackSequence", x, outputs=2, sequenceUnpackPaddingValue=9.0)
    holds_for_any_batch(graph.convert(graph.op("ToSequenceLike", unpacked, x)), lambda x: x)


def test_unpacking_a_batch_of_no_sequences_is_refused() -> None:
    graph = Graph()
    y = graph.op("UnpackSequence", graph.input("x", (2,), BATCH), sequenceUnpackPaddingValue=0.0)
    with pytest.raises(UnsupportedOperatorsError, match="without a sequence axis"):
        graph.lower(y)


def test_batch_axis_becomes_static_and_back() -> None:
    graph = Graph()
    static = graph.op("UnpackBatch", graph.input("x", (2,), BATCH))
    total = graph.op("ReduceElements", static, axis=static_axis(1), reductionOpName="Sum", reductionKeepDimensions=False)
    back = graph.op("ToBatch", static)
    made = graph.run_all([total, back], {"x": [[1, 2], [3, 4]]})
    assert made[total].tolist() == [4, 6]
    assert made[back].tolist() == [[1, 2], [3, 4]]


def test_unpacking_the_batch_of_sequences_is_an_error() -> None:
    graph = Graph()
    y = graph.op("UnpackBatch", graph.input("x", (2,), SEQUENCE))
    with pytest.raises(InvalidGraphError, match="UnpackBatch of a sequence"):
        graph.lower(y)


def test_making_a_batch_of_a_batch_is_an_error() -> None:
    graph = Graph()
    y = graph.op("ToBatch", graph.input("x", (2,), BATCH))
    with pytest.raises(InvalidGraphError, match="no dynamic ones"):
        graph.lower(y)
