"""Where, PackedIndex, GatherPacked and ScatterPacked: semantics reference, sections 7.2 and 7.3."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.errors import UnsupportedOperatorsError
from bridge.graph.model import DEFAULT_BATCH_AXIS, Axis, AxisKind
from tests.lower.graphs import ALL_STATIC, BATCH, SEQUENCE, Array, Graph
from tests.lower.ragged import Values, holds_for_any_batch

CHOSEN = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, name="chosen"))
"""The dynamic axes of what Where makes."""

EXAMPLES = {
    "a condition of 0s and 1s filters": ([0, 1, 1, 0, 1], [1, 2, 4]),
    "whole numbers repeat": ([2, 1, 0], [0, 0, 1]),
    "thirds pick every third step": ([1 / 3] * 7, [0, 3, 6]),
    "halves pick every other step": ([0.5, 0.5, 0.5], [0, 2]),
    "fractions above one carry over": ([1.5, 1.5], [0, 0, 1]),
    "more than the rounding of float32 counts": ([1, 2.0**-22], [0, 1]),
    "less than the rounding of float32 does not": ([1, 2.0**-24, 1], [0, 2]),
}


def steps(condition: Array, epsilon: float = 2.0**-23) -> list[int]:
    """The steps that Where emits for one sequence: after each, ``ceil(c * (1 - eps))`` in total."""
    chosen: list[int] = []
    total = 0.0
    for step, value in enumerate(condition.reshape(-1)):
        total += float(value)
        chosen += [step] * (math.ceil(total * (1 - epsilon)) - len(chosen))
    return chosen


def filters(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """0s and 1s; the first step is chosen, because CNTK knows no empty sequence."""
    made = rng.integers(0, 2, shape)
    made[0] = 1
    return made


def repeats(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Whole numbers up to 3, not all of them 0."""
    made = rng.integers(0, 4, shape)
    made[-1] = 2
    return made


def fractions(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Multiples of 1/3 up to 2, the first above 0."""
    made = rng.integers(0, 7, shape) / 3
    made[0] = 1 / 3
    return made


CONDITIONS = {"filters": filters, "repeats": repeats, "fractions": fractions}


def gathered(graph: Graph, x: str, condition: str, axes: tuple[Axis, ...] = CHOSEN) -> str:
    """``Sequence::Gather`` as CNTK saves it."""
    where = graph.op("Where", condition, newDynamicAxes=axes)
    return graph.op("GatherPacked", x, graph.op("PackedIndex", x, where))


@pytest.mark.parametrize(("condition", "chosen"), EXAMPLES.values(), ids=list(EXAMPLES))
def test_where_emits_the_steps_that_cntk_emits(condition: list[float], chosen: list[int]) -> None:
    graph = Graph()
    where = graph.op("Where", graph.input("condition", (), SEQUENCE), newDynamicAxes=CHOSEN)
    made = graph.run_all([where], {"condition": [condition]})
    assert made[where].tolist() == [chosen]
    assert made[f"{where}_lengths"].tolist() == [len(chosen)]
    assert steps(np.array(condition, np.float32)) == chosen


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=list(CONDITIONS))
def test_where_counts_each_sequence_on_its_own(condition: Values) -> None:
    graph = Graph()
    where = graph.op("Where", graph.input("condition", (1,), SEQUENCE), newDynamicAxes=CHOSEN)
    holds_for_any_batch(graph.convert(where), lambda condition: np.array(steps(condition)), {"condition": condition})


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=list(CONDITIONS))
def test_gather_picks_the_steps_of_each_sequence(condition: Values) -> None:
    graph = Graph()
    x, given = graph.input("x", (2, 3), SEQUENCE), graph.input("condition", (), SEQUENCE)

    def reference(x: Array, condition: Array) -> Array:
        return x[steps(condition)]

    holds_for_any_batch(graph.convert(gathered(graph, x, given)), reference, {"condition": condition})


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=list(CONDITIONS))
def test_scatter_puts_steps_back_and_adds_up_repeats(condition: Values) -> None:
    graph = Graph()
    x, given = graph.input("x", (2,), SEQUENCE), graph.input("condition", (), SEQUENCE)
    where = graph.op("Where", given, newDynamicAxes=CHOSEN)
    index = graph.op("PackedIndex", given, where)
    picked = graph.op("Negate", graph.op("GatherPacked", x, index))
    y = graph.op("ScatterPacked", picked, index, given)

    def reference(x: Array, condition: Array) -> Array:
        made = np.zeros_like(x)
        np.add.at(made, steps(condition), -x[steps(condition)])
        return made

    holds_for_any_batch(graph.convert(y), reference, {"condition": condition})


def test_scatter_of_repeated_steps_sums_the_copies_as_measured() -> None:
    graph = Graph()
    given = graph.input("condition", (), SEQUENCE)
    x = graph.input("x", (), CHOSEN)
    index = graph.op("PackedIndex", given, graph.op("Where", given, newDynamicAxes=CHOSEN))
    y = graph.op("ScatterPacked", x, index, given)
    made = graph.run(y, {"condition": [[3, 0, 1, 0]], "x": [[1, 10, 100, 1000]]})
    assert made.tolist() == [[111, 0, 1000, 0]]


@pytest.mark.parametrize(("operator", "step"), [("PastValue", 0), ("FutureValue", -1)])
def test_first_and_last_step_lose_the_sequence_axis(operator: str, step: int) -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    zeros = graph.op("ReduceElements", graph.op("ConstantOp", x, fillValue=0.0), axis=ALL_STATIC, reductionOpName="Max")
    ends = graph.op(operator, zeros, graph.constant(1.0), offset=1)
    y = gathered(graph, x, ends, BATCH)
    holds_for_any_batch(graph.convert(y), lambda x: x[step])


@pytest.mark.parametrize(("operator", "step"), [("PastValue", 0), ("FutureValue", -1)])
def test_ends_as_the_library_writes_them_are_picked_without_numbers_of_steps(operator: str, step: int) -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    zeros = graph.op("ReconcileDynamicAxis", graph.constant(0.0), x)
    converted = graph.convert(gathered(graph, x, graph.op(operator, zeros, graph.constant(1.0), offset=1), BATCH))
    holds_for_any_batch(converted, lambda x: x[step])
    assert "Cast" not in converted.operators
    if step == 0:
        assert converted.operators == ["Gather"]


def test_gathered_sequences_can_be_delayed_and_reduced_on_their_own_lengths() -> None:
    graph = Graph()
    x, given = graph.input("x", (2,), SEQUENCE), graph.input("condition", (), SEQUENCE)
    ahead = graph.op("FutureValue", gathered(graph, x, given), graph.constant(7.0), offset=1)
    y = graph.op("ReduceElements", ahead, axis=CHOSEN[1], reductionOpName="Sum", reductionKeepDimensions=False)

    def reference(x: Array, condition: Array) -> Array:
        chosen = x[steps(condition)]
        return np.asarray(np.concatenate([chosen[1:], np.full((1, 2), 7.0)]).sum(axis=0))

    holds_for_any_batch(graph.convert(y), reference, {"condition": repeats})


def test_a_condition_in_float64_uses_the_epsilon_of_float64() -> None:
    graph = Graph()
    where = graph.op("Where", graph.input("condition", (), SEQUENCE, np.float64), newDynamicAxes=CHOSEN)
    condition = [1.0, 2.0**-30, 1.0]
    made = graph.run(where, {"condition": [condition]})
    assert made.tolist() == [steps(np.array(condition), 2.0**-52)]
    assert made.tolist() != [steps(np.array(condition))]


def test_where_over_a_batch_is_refused() -> None:
    graph = Graph()
    y = graph.op("Where", graph.input("x", (), BATCH), newDynamicAxes=CHOSEN)
    with pytest.raises(UnsupportedOperatorsError, match="without a sequence axis"):
        graph.lower(y)


def test_gather_of_steps_from_a_batch_is_refused() -> None:
    graph = Graph()
    index = graph.op("Where", graph.input("condition", (), SEQUENCE), newDynamicAxes=CHOSEN)
    y = graph.op("GatherPacked", graph.input("x", (2,), BATCH), index)
    with pytest.raises(UnsupportedOperatorsError, match=r"GatherPacked .*without a sequence axis"):
        graph.lower(y)


def test_several_outputs_on_a_new_axis_each_bring_their_lengths() -> None:
    graph = Graph()
    x, given = graph.input("x", (), SEQUENCE), graph.input("condition", (), SEQUENCE)
    first = gathered(graph, x, given)
    second = graph.op("Negate", first)
    made = graph.run_all([first, second], {"x": [[1, 2, 3], [4, 5, 6]], "condition": [[1, 0, 1], [0, 1, 0]]}, [3, 2])
    assert made[f"{first}_lengths"].tolist() == made[f"{second}_lengths"].tolist() == [2, 1]
    assert made[second].tolist() == [[-1, -3], [-5, 0]]
