"""Metrics of ranked documents, against a loop over queries."""

from __future__ import annotations

from itertools import groupby
from math import log

import numpy as np
import pytest

from bridge.errors import UnsupportedOperatorsError
from tests.lower.graphs import SEQUENCE, Graph

Documents = list[tuple[float, float, float]]
"""Score, gain and query of each."""


def queries(documents: Documents) -> list[Documents]:
    return [list(group) for _, group in groupby(documents, key=lambda document: int(document[2]))]


def by_score(query: Documents) -> Documents:
    return sorted(query, key=lambda document: (-document[0], document[1]))


def lambda_rank(documents: Documents) -> float:
    def dcg(query: Documents) -> float:
        return sum(gain / log(2 + place) for place, (_, gain, _) in enumerate(query))

    shares = [dcg(by_score(query)) / dcg(query) if dcg(query) else 0.0 for query in queries(documents)]
    return (1 - float(np.mean(shares))) * 100 * len(documents)


def ndcg(documents: Documents) -> float:
    shares = [by_score(query)[0][1] / query[0][1] if query[0][1] else 0.0 for query in queries(documents)]
    return float(np.mean(shares)) * 100 * len(documents)


METRICS = {"LambdaRank": lambda_rank, "NDCG": ndcg}


def run(operator: str, documents: Documents) -> float:
    graph = Graph()
    inputs = [graph.input(name, (1,)) for name in ("score", "gain", "query")]
    columns = np.array(documents).T[:, :, None]
    return float(graph.run(graph.op(operator, *inputs), dict(zip(inputs, columns, strict=True))))


@pytest.mark.parametrize("operator", METRICS)
@pytest.mark.parametrize("seed", range(4))
def test_metric_of_random_rankings_with_ties(operator: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    documents = []
    for number in range(int(rng.integers(1, 5))):
        gains = sorted(rng.integers(0, 5, int(rng.integers(1, 6))).tolist(), reverse=True)
        documents += [(float(rng.integers(0, 4)), float(gain), float(number)) for gain in gains]
    np.testing.assert_allclose(run(operator, documents), METRICS[operator](documents), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("operator", METRICS)
def test_query_without_any_gain_counts_as_zero(operator: str) -> None:
    documents = [(1.0, 2.0, 1.0), (1.0, 0.0, 2.0), (2.0, 0.0, 2.0)]
    np.testing.assert_allclose(run(operator, documents), METRICS[operator](documents), rtol=1e-6)


def test_query_that_returns_is_another_query_and_fractions_are_cut_off() -> None:
    documents = [(0.1, 3.0, 1.2), (0.4, 2.0, 1.9), (0.3, 2.0, 2.0), (0.2, 1.0, 1.0)]
    np.testing.assert_allclose(run("NDCG", documents), METRICS["NDCG"](documents), rtol=1e-6)


def test_equal_scores_are_ranked_in_the_worst_order() -> None:
    assert run("NDCG", [(1.0, 4.0, 0.0), (1.0, 1.0, 0.0)]) == 1 / 4 * 100 * 2


@pytest.mark.parametrize("operator", METRICS)
def test_ranking_of_sequences_is_refused(operator: str) -> None:
    graph = Graph()
    inputs = [graph.input(name, (1,), SEQUENCE) for name in ("score", "gain", "query")]
    with pytest.raises(UnsupportedOperatorsError, match="one number per sample"):
        graph.lower(graph.op(operator, *inputs))
