"""ReduceElements over static, batch, sequence and all axes: semantics reference, section 6.1."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from bridge.errors import UnsupportedOperatorsError
from bridge.graph.model import DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS, FREE, Axis, AxisKind
from tests.lower.graphs import ALL_STATIC, BATCH, SEQUENCE, Array, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch, padded

Reduction = Callable[..., Array]


def log_sum(x: Array, axis: tuple[int, ...] | int | None = None, keepdims: bool = False) -> Array:
    return np.asarray(np.log(np.exp(x.astype(np.float64)).sum(axis=axis, keepdims=keepdims)))


REDUCTIONS: dict[str, Reduction] = {
    "Sum": np.sum,
    "Mean": np.mean,
    "Max": np.max,
    "Min": np.min,
    "Prod": np.prod,
    "LogSum": log_sum,
}
ALL = Axis(AxisKind.ALL)
STATIC_AXES = [axes for count in (1, 2, 3) for axes in combinations(range(3), count)]
"""Row-major axes of a tensor of rank 3, every choice of them."""

names = pytest.mark.parametrize("name", REDUCTIONS)


def column_major(axes: tuple[int, ...]) -> tuple[Axis, ...]:
    """Row-major axes of a tensor of rank 3 as a file states them."""
    return tuple(static_axis(2 - axis) for axis in axes)


@names
@pytest.mark.parametrize("axes", STATIC_AXES)
@pytest.mark.parametrize("keep", [True, False])
def test_static_axes_are_reduced(name: str, axes: tuple[int, ...], keep: bool) -> None:
    graph = Graph()
    x = graph.input("x", (2, 3, 4), BATCH)
    y = graph.op("ReduceElements", x, axisVec=column_major(axes), reductionOpName=name, reductionKeepDimensions=keep)
    values = np.random.default_rng(0).standard_normal((5, 2, 3, 4)).astype(np.float32)
    expected = REDUCTIONS[name](values, axis=tuple(axis + 1 for axis in axes), keepdims=keep)
    made = graph.run(y, {"x": values})
    assert made.shape == expected.shape
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


@names
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_steps_are_reduced_without_the_padding(name: str, shape: tuple[int, ...]) -> None:
    graph = Graph()
    x = graph.input("x", shape, SEQUENCE)
    y = graph.op("ReduceElements", x, axis=DEFAULT_SEQUENCE_AXIS, reductionOpName=name, reductionKeepDimensions=False)
    holds_for_any_batch(graph.convert(y), lambda x: REDUCTIONS[name](x, axis=0))


@names
@pytest.mark.parametrize("keep", [True, False])
def test_steps_and_static_axes_are_reduced_together(name: str, keep: bool) -> None:
    graph = Graph()
    x = graph.input("x", (2, 3), SEQUENCE)
    axes = (DEFAULT_SEQUENCE_AXIS, static_axis(0))
    y = graph.op("ReduceElements", x, axisVec=axes, reductionOpName=name, reductionKeepDimensions=keep)

    def reference(x: Array) -> Array:
        made = REDUCTIONS[name](x, axis=(0, 2))
        return made[:, None] if keep else made

    holds_for_any_batch(graph.convert(y), reference)


@names
@pytest.mark.parametrize("axes", [(ALL,), (DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS, ALL_STATIC)], ids=["all", "each"])
def test_everything_is_reduced_without_the_padding(name: str, axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    y = graph.op("ReduceElements", x, axisVec=axes, reductionOpName=name, reductionKeepDimensions=False)
    rng = np.random.default_rng(0)
    sequences = [rng.standard_normal((length, 2)).astype(np.float32) for length in (3, 1, 4)]
    made = graph.run(y, {"x": padded(sequences, 1)}, [3, 1, 4])
    assert made.shape == ()
    np.testing.assert_allclose(made, REDUCTIONS[name](np.concatenate(sequences)), rtol=1e-5)


def test_mean_over_everything_divides_by_what_is_real_as_measured() -> None:
    graph = Graph()
    y = graph.op(
        "ReduceElements", graph.input("x", (2,), SEQUENCE), axis=ALL, reductionOpName="Mean", reductionKeepDimensions=False
    )
    sequences = [np.ones((3, 2), np.float32), np.full((1, 2), 4, np.float32)]
    assert graph.run(y, {"x": padded(sequences)}, [3, 1]).item() == 1.75


def test_mean_over_free_dimensions_divides_by_their_size() -> None:
    graph = Graph()
    axes = (DEFAULT_SEQUENCE_AXIS, static_axis(0))
    y = graph.op("ReduceElements", graph.input("x", (FREE,), SEQUENCE), axisVec=axes, reductionOpName="Mean",
                 reductionKeepDimensions=False)  # fmt: skip
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    made = graph.run(y, {"x": values}, [2, 1])
    np.testing.assert_allclose(made, [values[0].mean(), values[1, 0].mean()])


@names
def test_samples_are_reduced_over_the_batch(name: str) -> None:
    graph = Graph()
    y = graph.op("ReduceElements", graph.input("x", (2, 3), BATCH), axis=DEFAULT_BATCH_AXIS, reductionOpName=name)
    values = np.random.default_rng(0).standard_normal((4, 2, 3)).astype(np.float32)
    np.testing.assert_allclose(graph.run(y, {"x": values}), REDUCTIONS[name](values, axis=0), rtol=1e-5, atol=1e-6)


def test_padding_of_every_kind_stays_out_of_a_sum() -> None:
    graph = Graph()
    y = graph.op("SumAll", graph.op("Log", graph.input("x", (2,), SEQUENCE)))
    sequences = [np.full((2, 2), 2.0, np.float32), np.full((1, 2), 3.0, np.float32)]
    for rubbish in (np.nan, np.inf, -np.inf, 0.0):
        values = padded(sequences, 1)
        made = graph.run(y, {"x": np.where(np.isnan(values), rubbish, values)}, [2, 1])
        assert made.item() == pytest.approx(4 * np.log(2) + 2 * np.log(3))


@pytest.mark.parametrize(("name", "expected"), [("Sum", 10_000.0), ("Mean", 0.1)])
def test_long_sums_accumulate_in_double(name: str, expected: float) -> None:
    graph = Graph()
    y = graph.op("ReduceElements", graph.input("x", (100_000,)), axis=static_axis(0), reductionOpName=name)
    assert graph.run(y, {"x": np.full((1, 100_000), 0.1)}).item() == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("name", "function"), [("Argmax", np.argmax), ("Argmin", np.argmin)])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("keep", [True, False])
def test_position_of_the_first_extreme(name: str, function: Reduction, axis: int, keep: bool) -> None:
    graph = Graph()
    x = graph.input("x", (2, 3, 4), BATCH)
    y = graph.op("ReduceElements", x, axisVec=column_major((axis,)), reductionOpName=name, reductionKeepDimensions=keep)
    values = np.random.default_rng(0).integers(0, 3, (5, 2, 3, 4)).astype(np.float32)
    made = graph.run(y, {"x": values})
    np.testing.assert_array_equal(made, function(values, axis=axis + 1, keepdims=keep))
    assert made.dtype == np.float32


@pytest.mark.parametrize(("name", "function"), [("Argmax", np.argmax), ("Argmin", np.argmin)])
def test_position_in_a_whole_sample_counts_row_by_row(name: str, function: Reduction) -> None:
    graph = Graph()
    y = graph.op("ReduceElements", graph.input("x", (2, 3), SEQUENCE), axis=ALL_STATIC, reductionOpName=name,
                 reductionKeepDimensions=False)  # fmt: skip
    holds_for_any_batch(graph.convert(y), lambda x: function(x.reshape(len(x), -1), axis=1))


@pytest.mark.parametrize("axes", [(DEFAULT_SEQUENCE_AXIS,), (static_axis(0), static_axis(1))])
def test_position_over_other_axes_is_refused(axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    y = graph.op("ReduceElements", graph.input("x", (2, 3, 4), SEQUENCE), axisVec=axes, reductionOpName="Argmax")
    with pytest.raises(UnsupportedOperatorsError, match="the position of an extreme over"):
        graph.lower(y)


def test_unknown_reduction_is_refused_with_those_there_are() -> None:
    graph = Graph()
    y = graph.op("ReduceElements", graph.input("x", (2,)), axis=static_axis(0), reductionOpName="Median")
    with pytest.raises(UnsupportedOperatorsError, match=r"the reduction 'Median'; expected one of Sum, .*Argmax"):
        graph.lower(y)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
@names
def test_reductions_keep_the_element_type(name: str, dtype: type) -> None:
    graph = Graph()
    y = graph.op("ReduceElements", graph.input("x", (3,), SEQUENCE, dtype), axis=DEFAULT_SEQUENCE_AXIS, reductionOpName=name)
    made = graph.run(y, {"x": [[[1, 2, 3], [0.5, 2, 1]], [[4, 5, 6], [np.nan] * 3]]}, [2, 1])
    assert made.dtype == dtype
    values = np.array([[1, 2, 3], [0.5, 2, 1]])
    np.testing.assert_allclose(made[0], REDUCTIONS[name](values, axis=0), rtol=2e-3 if dtype is np.float16 else 1e-12)
    np.testing.assert_allclose(made[1], [4, 5, 6], rtol=1e-3)
