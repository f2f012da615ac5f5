"""Reshape, Slice, TransposeAxes, Squeeze and Splice: semantics reference, section 6."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.graph.model import FREE, INFERRED, AttributeValue, Axis, AxisKind, NDShape
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Array, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch

END = Axis(AxisKind.END_STATIC)
LEADING: dict[tuple[Axis, ...], tuple[int, ...]] = {STATIC: (), BATCH: (2,), SEQUENCE: (2, 3)}

dynamic_axes = pytest.mark.parametrize("axes", LEADING, ids=["static", "batch", "sequence"])


def counted(axes: tuple[Axis, ...], *shape: int) -> Array:
    """0, 1, 2, ... in a tensor with the leading dimensions of ``axes``."""
    full = (*LEADING[axes], *shape)
    return np.arange(np.prod(full), dtype=np.float32).reshape(full)


@dynamic_axes
@pytest.mark.parametrize(
    ("new", "bounds", "result"),
    [
        (NDShape((4, 6)), {}, (6, 4)),
        (NDShape((12,)), {"beginAxis": static_axis(0), "endAxis": static_axis(2)}, (2, 12)),
        (NDShape((INFERRED, 3)), {"beginAxis": static_axis(1), "endAxis": END}, (3, 2, 4)),
        (NDShape((1,)), {"beginAxis": static_axis(1), "endAxis": static_axis(1)}, (2, 3, 1, 4)),
        (NDShape((3,)), {"beginAxis": static_axis(1), "endAxis": static_axis(2)}, (2, 3, 4)),
    ],
)
def test_reshape_keeps_the_row_major_order(
    axes: tuple[Axis, ...], new: NDShape, bounds: dict[str, Axis], result: tuple[int, ...]
) -> None:
    graph = Graph()
    attributes: dict[str, AttributeValue] = {"newShape": new, **bounds}
    y = graph.op("Reshape", graph.input("x", (2, 3, 4), axes), outputs=1, name="", **attributes)
    x = counted(axes, 2, 3, 4)
    np.testing.assert_array_equal(graph.run(y, {"x": x}), x.reshape(*LEADING[axes], *result))


@pytest.mark.parametrize(
    ("shape", "new", "bounds", "given_shape", "result"),
    [
        ((FREE, 3), (INFERRED,), {}, (4, 3), (12,)),
        ((FREE, 3), (3, FREE), {}, (4, 3), (4, 3)),
        ((2, FREE), (1, 2), {"beginAxis": static_axis(1), "endAxis": END}, (2, 5), (2, 1, 5)),
        ((FREE, 2, 3, FREE), (6,), {"beginAxis": static_axis(1), "endAxis": static_axis(3)}, (4, 2, 3, 5), (4, 6, 5)),
        ((FREE, FREE), (1,), {"beginAxis": static_axis(1), "endAxis": static_axis(1)}, (4, 5), (4, 1, 5)),
        ((FREE, FREE, 2), (INFERRED,), {"beginAxis": static_axis(0), "endAxis": static_axis(2)}, (4, 5, 2), (4, 10)),
    ],
)
def test_reshape_of_free_dimensions(
    shape: tuple[int, ...],
    new: tuple[int, ...],
    bounds: dict[str, Axis],
    given_shape: tuple[int, ...],
    result: tuple[int, ...],
) -> None:
    graph = Graph()
    attributes: dict[str, AttributeValue] = {"newShape": NDShape(new), **bounds}
    y = graph.op("Reshape", graph.input("x", shape, BATCH), outputs=1, name="", **attributes)
    x = counted(BATCH, *given_shape)
    np.testing.assert_array_equal(graph.run(y, {"x": x}), x.reshape(2, *result))


def test_reshape_to_the_same_shape_is_nothing() -> None:
    graph = Graph()
    y = graph.op("Reshape", graph.op("Tanh", graph.input("x", (2, 3))), newShape=NDShape((3, 2)))
    assert graph.operators(y) == ["Tanh"]


@settings(max_examples=25)
@given(st.integers(-5, 4), st.integers(-4, 5), st.sampled_from([-2, -1, 1, 3]), st.booleans())
def test_slices_take_what_cntk_takes(begin: int, end: int, stride: int, is_free: bool) -> None:
    size = 5
    first, last = begin + size if begin < 0 else begin, end + size if end <= 0 else end
    assume(0 <= first < last <= size)
    taken = list(range(first, last, stride)) if stride > 0 else list(range(last - 1, first - 1, stride))
    graph = Graph()
    x = graph.input("x", (2, FREE if is_free else size, 3), SEQUENCE)
    y = graph.op("Slice", x, axis=static_axis(1), beginIndex=begin, endIndex=end, sliceStrides=stride)
    values = counted(SEQUENCE, 2, size, 3)
    np.testing.assert_array_equal(graph.run(y, {"x": values}), values[..., taken, :])


def test_slices_of_several_axes() -> None:
    graph = Graph()
    axes = (static_axis(0), static_axis(2))
    y = graph.op("Slice", graph.input("x", (3, 4, 5)), axisVec=axes, beginIndexVec=(1, 0), endIndexVec=(-1, 2))
    x = counted(BATCH, 3, 4, 5)
    np.testing.assert_array_equal(graph.run(y, {"x": x}), x[:, 0:2, :, 1:-1])


@dynamic_axes
@pytest.mark.parametrize("columns", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_axes_are_permuted(axes: tuple[Axis, ...], columns: tuple[int, ...]) -> None:
    graph = Graph()
    y = graph.op("TransposeAxes", graph.input("x", (2, 3, 4), axes), axisVec=tuple(map(static_axis, columns)))
    x = counted(axes, 2, 3, 4)
    expected = np.stack([x[index].T.transpose(columns).T for index in np.ndindex(*LEADING[axes])])
    made = graph.run(y, {"x": x})
    np.testing.assert_array_equal(made, expected.reshape(made.shape))
    assert made.shape[len(axes) :] == expected.shape[1:]


def test_two_axes_are_swapped() -> None:
    graph = Graph()
    y = graph.op("TransposeAxes", graph.input("x", (2, 3, 4), SEQUENCE), axis1=static_axis(0), axis2=static_axis(2))
    x = counted(SEQUENCE, 2, 3, 4)
    np.testing.assert_array_equal(graph.run(y, {"x": x}), x.swapaxes(2, 4))


@dynamic_axes
def test_ones_are_squeezed(axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (1, 2, 1), axes)
    everything, last = graph.op("Squeeze", x), graph.op("Squeeze", x, axisVec=(static_axis(0),))
    values = counted(axes, 1, 2, 1)
    made = graph.run_all([everything, last], {"x": values})
    np.testing.assert_array_equal(made[everything], values.reshape(*LEADING[axes], 2))
    np.testing.assert_array_equal(made[last], values[..., 0])


def spliced(graph: Graph, axis: Axis, *operands: str) -> str:
    return graph.op("Splice", *operands, axis=axis)


@dynamic_axes
@pytest.mark.parametrize("axis", [0, 1])
def test_operands_are_joined_along_one_axis(axes: tuple[Axis, ...], axis: int) -> None:
    graph = Graph()
    shapes = [(2, 3), (2, 5)] if axis == 0 else [(2, 3), (4, 3)]
    x, z = (graph.input(name, shape, axes) for name, shape in zip("xz", shapes, strict=True))
    feeds = {"x": counted(axes, *shapes[0]), "z": counted(axes, *shapes[1])}
    made = graph.run(spliced(graph, static_axis(axis), x, z), feeds)
    np.testing.assert_array_equal(made, np.concatenate([feeds["x"], feeds["z"]], axis=-1 - axis))


@dynamic_axes
def test_axis_past_the_slowest_stacks(axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    x, z = graph.input("x", (3,), axes), graph.input("z", (3,), axes)
    feeds = {"x": counted(axes, 3), "z": -counted(axes, 3)}
    made = graph.run(spliced(graph, static_axis(1), x, z), feeds)
    np.testing.assert_array_equal(made, np.stack([feeds["x"], feeds["z"]], axis=-2))


def test_scalars_are_joined_to_a_vector() -> None:
    graph = Graph()
    y = spliced(graph, static_axis(0), graph.input("x", ()), graph.input("z", ()))
    assert graph.run(y, {"x": [1, 2], "z": [3, 4]}).tolist() == [[1, 3], [2, 4]]


def test_other_axes_are_stretched() -> None:
    graph = Graph()
    y = spliced(graph, static_axis(1), graph.input("x", (4, 5)), graph.input("z", (5,)), graph.input("w", (1,)))
    x, z, w = counted(BATCH, 4, 5), counted(BATCH, 5), counted(BATCH, 1)
    expected = np.concatenate([x, z[:, None], np.broadcast_to(w[:, None], (2, 1, 5))], axis=1)
    np.testing.assert_array_equal(graph.run(y, {"x": x, "z": z, "w": w}), expected)


@dynamic_axes
def test_constants_are_stretched_over_dynamic_axes(axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    y = spliced(graph, static_axis(0), graph.constant([7.0]), graph.input("x", (2,), axes), graph.constant(np.full((1, 1), 8.0)))
    x = counted(axes, 2)
    leading = LEADING[axes]
    expected = np.concatenate([np.full((*leading, 1), 7.0), x, np.full((*leading, 1), 8.0)], axis=-1)
    np.testing.assert_array_equal(graph.run(y, {"x": x}), expected[..., None, :])


def test_free_dimensions_are_joined_and_stretched_over() -> None:
    graph = Graph()
    y = spliced(graph, static_axis(0), graph.input("x", (FREE, FREE)), graph.input("z", (1, 2)), graph.input("w", (2,)))
    x, z, w = counted(BATCH, 3, 4), counted(BATCH, 1, 2), counted(BATCH, 2)
    expected = np.concatenate([x, np.broadcast_to(z, (2, 3, 2)), np.broadcast_to(w[:, None], (2, 3, 2))], axis=-1)
    np.testing.assert_array_equal(graph.run(y, {"x": x, "z": z, "w": w}), expected)


def test_sequences_stay_apart_whatever_is_spliced_to_them() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    shifted = graph.op("PastValue", x, graph.constant(0.5), offset=1)
    y = spliced(graph, static_axis(0), x, graph.constant([3.0]), shifted)

    def reference(x: Array) -> Array:
        before = np.concatenate([np.full((1, 2), 0.5), x[:-1]])
        return np.concatenate([x, np.full((len(x), 1), 3.0), before], axis=1)

    holds_for_any_batch(graph.convert(y), reference)


def test_thousands_of_operands_take_linear_time() -> None:
    graph = Graph()
    x = graph.input("x", (1,))
    y = spliced(graph, static_axis(0), *[x] * 4000)
    started = time.process_time()
    graph.lower(y)
    assert time.process_time() - started < 3
