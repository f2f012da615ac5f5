"""The edit distance, against the textbook's double loop with CNTK's order of preference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import UnsupportedOperatorsError
from tests.lower.graphs import BATCH, SEQUENCE, Graph
from tests.lower.ragged import padded

CLASSES = 3


def counted(sequence: Sequence[int], ignored: Sequence[int], *, squash: bool) -> list[int]:
    """The classes that take part."""
    repeats = [squash and k > 0 and sequence[k - 1] == token for k, token in enumerate(sequence)]
    return [token for token, repeat in zip(sequence, repeats, strict=True) if not repeat and token not in ignored]


def operations(rows: list[int], columns: list[int], penalties: tuple[float, float, float]) -> int:
    """Operations on the cheapest way, which prefers substitutions, then insertions."""
    substitution, deletion, insertion = penalties
    cost, count = np.zeros((len(rows) + 1, len(columns) + 1)), np.zeros((len(rows) + 1, len(columns) + 1), int)
    for i in range(len(rows) + 1):
        for j in range(len(columns) + 1):
            if i == 0 or j == 0:
                cost[i, j], count[i, j] = i * deletion + j * insertion, i + j
            elif rows[i - 1] == columns[j - 1]:
                cost[i, j], count[i, j] = cost[i - 1, j - 1], count[i - 1, j - 1]
            else:
                ways = [(i - 1, j - 1, substitution), (i, j - 1, insertion), (i - 1, j, deletion)]
                a, b, penalty = min(ways, key=lambda way: cost[way[0], way[1]] + way[2])
                cost[i, j], count[i, j] = cost[a, b] + penalty, count[a, b] + 1
    return int(count[-1, -1])


def scores(classes: Sequence[int]) -> npt.NDArray[Any]:
    return np.eye(CLASSES)[list(classes)]


@pytest.mark.parametrize("squash", [False, True])
@pytest.mark.parametrize("ignored", [(), (0,), (1, 2)])
@pytest.mark.parametrize("seed", range(6))
def test_error_is_operations_times_steps_over_labels(seed: int, ignored: tuple[int, ...], squash: bool) -> None:
    rng = np.random.default_rng(seed)
    penalties = (float(rng.integers(4)), float(rng.integers(4)), float(rng.integers(4)))
    lengths = [int(length) for length in rng.integers(1, 9, 4)]
    predictions, labels = ([rng.integers(0, CLASSES, length).tolist() for length in lengths] for _ in range(2))
    labels[0][0] = next(token for token in range(CLASSES) if token not in ignored)  # at least one label counts
    graph = Graph()
    x, y = graph.input("x", (CLASSES,), SEQUENCE), graph.input("y", (CLASSES,), SEQUENCE)
    error = graph.op(
        "EditDistanceError", x, y, SubstitutionPenalty=penalties[0], DeletionPenalty=penalties[1],
        InsertionPenalty=penalties[2], SquashInputs=squash, TokensToIgnore=ignored,
    )  # fmt: skip
    feeds = {x: padded([scores(p) for p in predictions]), y: padded([scores(t) for t in labels])}
    rows, columns = ([counted(s, ignored, squash=squash) for s in side] for side in (predictions, labels))
    edits = sum(operations(p, t, penalties) for p, t in zip(rows, columns, strict=True))
    wanted = edits * sum(lengths) / sum(map(len, columns))
    np.testing.assert_allclose(graph.run(error, feeds, lengths), wanted, rtol=1e-6)


def edit_error(graph: Graph, x: str, y: str) -> str:
    return graph.op("EditDistanceError", x, y, SubstitutionPenalty=1.0, DeletionPenalty=1.0, InsertionPenalty=1.0)


def test_batch_without_sequences_is_one_of_single_steps() -> None:
    graph = Graph()
    x, y = graph.input("x", (CLASSES,)), graph.input("y", (CLASSES,))
    assert graph.run(edit_error(graph, x, y), {x: scores([0, 1, 2]), y: scores([0, 2, 2])}) == 1


def test_operands_on_different_axes_are_refused() -> None:
    graph = Graph()
    x, y = graph.input("x", (CLASSES,), SEQUENCE), graph.input("y", (CLASSES,), BATCH)
    with pytest.raises(UnsupportedOperatorsError, match="two sequences on the same axis"):
        graph.lower(edit_error(graph, x, y))
