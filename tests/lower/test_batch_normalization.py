"""BatchNormalization: the formula over running statistics, for every shape that files hold parameters in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from bridge.graph.model import FREE
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Graph

Numbers = npt.NDArray[Any]
rng = np.random.default_rng(40)


def parameters(shape: tuple[int, ...]) -> list[Numbers]:
    """Scale, bias, running mean and running variance."""
    return [rng.standard_normal(shape), rng.standard_normal(shape), rng.standard_normal(shape) * 3, rng.random(shape) * 2]


def normalization(
    graph: Graph, data: str, statistics: list[Numbers], *, spatial: bool, epsilon: float = 0.01, dtype: str = "float32"
) -> str:
    """The sixth operand counts samples; nothing reads it."""
    operands = [graph.parameter(array, dtype) for array in statistics]
    return graph.op("BatchNormalization", data, *operands, graph.constant(0.0), spatial=spatial, epsilon=epsilon)


def formula(data: Numbers, statistics: list[Numbers], shape: tuple[int, ...], epsilon: float = 0.01) -> Numbers:
    scale, bias, mean, variance = (array.reshape(shape) for array in statistics)
    return np.asarray(scale * (data - mean) / np.sqrt(variance + epsilon) + bias)


@pytest.mark.parametrize("axes", [STATIC, BATCH, SEQUENCE])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4,), (4, 3, 2)])
@pytest.mark.parametrize("stored", [(4,), (4, 1, 1), (1, 4)])
def test_spatial_normalisation_is_per_channel(axes: Any, dtype: str, shape: tuple[int, ...], stored: tuple[int, ...]) -> None:
    graph = Graph()
    data, statistics = rng.standard_normal((*[2] * len(axes), *shape)), parameters(stored)
    x = graph.input("x", shape, axes, dtype)
    y = normalization(graph, x, statistics, spatial=True, dtype=dtype)
    expected = formula(data, statistics, (4, *[1] * (len(shape) - 1)))
    np.testing.assert_allclose(graph.run(y, {x: data}), expected, rtol=2e-5 if dtype == "float32" else 1e-13, atol=1e-5)


@pytest.mark.parametrize("axes", [STATIC, BATCH, SEQUENCE])
@pytest.mark.parametrize("stored", [(4, 3), (12,), (1, 12)])
def test_other_normalisation_is_per_element(axes: Any, stored: tuple[int, ...]) -> None:
    graph = Graph()
    data, statistics = rng.standard_normal((*[2] * len(axes), 4, 3)), parameters(stored)
    x = graph.input("x", (4, 3), axes)
    y = normalization(graph, x, statistics, spatial=False)
    np.testing.assert_allclose(graph.run(y, {x: data}), formula(data, statistics, (4, 3)), rtol=1e-4, atol=1e-5)


def test_the_epsilon_of_a_float64_model_is_not_rounded() -> None:
    graph = Graph()
    x = graph.input("x", (1,), dtype=np.float64)
    y = normalization(graph, x, [np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1)], spatial=True, epsilon=0.1, dtype="float64")
    np.testing.assert_allclose(graph.run(y, {x: [[1.0]]}), [[1 / np.sqrt(0.1)]], rtol=1e-14)


def test_float16_data_have_float32_statistics() -> None:
    graph = Graph()
    data, statistics = rng.standard_normal((2, 3)).astype(np.float16), parameters((3,))
    x = graph.input("x", (3,), dtype=np.float16)
    y = normalization(graph, x, statistics, spatial=True)
    expected = formula(data.astype(float), [array.astype(np.float32).astype(float) for array in statistics], (3,))
    np.testing.assert_allclose(graph.run(y, {x: data}), expected.astype(np.float16), rtol=1e-3)


def test_a_negative_variance_makes_no_number() -> None:
    graph = Graph()
    x = graph.input("x", (1,))
    y = normalization(graph, x, [np.ones(1), np.zeros(1), np.zeros(1), -np.ones(1)], spatial=True)
    assert np.isnan(graph.run(y, {x: [[1.0]]})).all()


def test_free_sizes_behind_the_channels() -> None:
    graph = Graph()
    data, statistics = rng.standard_normal((1, 2, 5)), parameters((2,))
    x = graph.input("x", (2, FREE))
    y = normalization(graph, x, statistics, spatial=True)
    np.testing.assert_allclose(graph.run(y, {x: data}), formula(data, statistics, (2, 1)), rtol=1e-4, atol=1e-5)


def test_normalisation_per_element_of_a_free_size_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (FREE,))
    with pytest.raises(UnsupportedOperatorsError, match="not known before it runs"):
        graph.lower(normalization(graph, x, parameters((3,)), spatial=False))


def test_statistics_of_another_size_are_refused() -> None:
    graph = Graph()
    x = graph.input("x", (4, 3))
    with pytest.raises(InvalidGraphError, match="expected 4 elements"):
        graph.lower(normalization(graph, x, parameters((3,)), spatial=True))


@pytest.mark.parametrize("stored", [(12,), (4, 3), (6,)])
def test_of_more_parameters_than_channels_the_first_are_taken(stored: tuple[int, ...]) -> None:
    """Measured: what CNTK makes of a normalisation per element that went through its ONNX exporter and importer."""
    graph = Graph()
    data, statistics = rng.standard_normal((2, 4, 3)), parameters(stored)
    x = graph.input("x", (4, 3))
    y = normalization(graph, x, statistics, spatial=True)
    first = [array.reshape(-1)[:4] for array in statistics]
    np.testing.assert_allclose(graph.run(y, {x: data}), formula(data, first, (4, 1)), rtol=1e-4, atol=1e-5)


def test_one_operator_per_normalisation_of_a_batch() -> None:
    graph = Graph()
    x = graph.input("x", (4, 3, 3))
    assert graph.operators(normalization(graph, x, parameters((4,)), spatial=True))[0] == "BatchNormalization"
