"""Types of products: semantics reference, section 3."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import FREE
from tests.graph.inference.typed import type_of
from tests.lower.graphs import BATCH, SEQUENCE, Graph


def product(data: tuple[int, ...], weight: tuple[int, ...], output_rank: int = 1, operator: str = "Times") -> tuple[int, ...]:
    graph = Graph()
    w = graph.input("w", weight, ())
    x = graph.input("x", data, BATCH)
    found = type_of(graph, graph.op(operator, w, x, outputRank=output_rank, inferInputRankToMap=-1))
    assert found.axes == BATCH
    return found.shape


@pytest.mark.parametrize(
    ("data", "weight", "output_rank", "result"),
    [
        ((3,), (3, 4), 1, (4,)),
        ((2, 3), (3, 4), 1, (2, 4)),
        ((2, 3), (2, 3, 4), 1, (4,)),
        ((2, 3), (3, 4, 5), 2, (2, 4, 5)),
        ((2, 3), (2, 3, 4, 5), 2, (4, 5)),
        ((2,), (3,), 1, (2, 3)),
        ((2, FREE), (FREE, 4), 1, (2, 4)),
        ((3,), (3, FREE), 1, (FREE,)),
    ],
)
def test_last_axes_of_the_data_meet_the_first_of_the_weight(
    data: tuple[int, ...], weight: tuple[int, ...], output_rank: int, result: tuple[int, ...]
) -> None:
    assert product(data, weight, output_rank) == result


@pytest.mark.parametrize(("data", "weight", "output_rank"), [((3,), (4, 2), 1), ((3,), (2, 3, 4), 1), ((), (3, 4), 1)])
def test_operands_that_do_not_fit_are_an_error(data: tuple[int, ...], weight: tuple[int, ...], output_rank: int) -> None:
    with pytest.raises(InvalidGraphError, match="operands of Times do not fit"):
        product(data, weight, output_rank)


@pytest.mark.parametrize("output_rank", [0, -1, 3])
def test_output_rank_beyond_the_weight_is_an_error(output_rank: int) -> None:
    with pytest.raises(InvalidGraphError, match=f"outputRank {output_rank} of a weight of rank 2"):
        product((3,), (3, 4), output_rank)


@pytest.mark.parametrize(("data", "weight", "result"), [((3,), (4, 3), (4,)), ((2, 3), (4, 3), (2, 4)), ((3,), (3,), (1,))])
def test_transposed_weights(data: tuple[int, ...], weight: tuple[int, ...], result: tuple[int, ...]) -> None:
    assert product(data, weight, operator="TransposeTimes") == result


def test_transposed_weight_of_rank_three_is_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="has rank 3; at most 2"):
        product((3,), (2, 4, 3), operator="TransposeTimes")


def test_transposed_weight_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="operands of TransposeTimes do not fit"):
        product((3,), (3, 4), operator="TransposeTimes")


def test_product_over_the_steps_loses_the_sequence_axis() -> None:
    graph = Graph()
    weight, data = graph.input("w", (4,), SEQUENCE), graph.input("x", (1,), SEQUENCE)
    found = type_of(graph, graph.op("Times", weight, data, outputRank=1, inferInputRankToMap=-2))
    assert found.axes == BATCH
    assert found.shape == (1, 4)


def test_constant_data_takes_the_axes_of_the_weight() -> None:
    graph = Graph()
    y = graph.op("Times", graph.input("w", (3, 2), BATCH), graph.constant(np.ones(3)), outputRank=1, inferInputRankToMap=-1)
    assert type_of(graph, y).axes == BATCH
