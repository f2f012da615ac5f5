"""Types of operators that rearrange static axes: semantics reference, section 6."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidGraphError
from bridge.graph.model import FREE, INFERRED, AttributeValue, Axis, AxisKind, NDShape
from tests.graph.inference.typed import type_of
from tests.lower.graphs import BATCH, STATIC, Graph, static_axis

END = Axis(AxisKind.END_STATIC)


def shape_of(operator: str, *operands: tuple[int, ...], **attributes: AttributeValue) -> tuple[int, ...]:
    graph = Graph()
    leaves = [graph.input(f"x{k}", shape) for k, shape in enumerate(operands)]
    return type_of(graph, graph.op(operator, *leaves, outputs=1, name="", **attributes)).shape


@pytest.mark.parametrize(
    ("shape", "new", "bounds", "result"),
    [
        ((2, 3, 4), NDShape((12, 2)), {}, (2, 12)),
        ((2, 3, 4), NDShape((12,)), {"beginAxis": static_axis(0), "endAxis": static_axis(2)}, (2, 12)),
        ((2, 3, 4), NDShape((INFERRED, 2)), {}, (2, 12)),
        ((2, 3), NDShape((1,)), {"beginAxis": static_axis(1), "endAxis": static_axis(1)}, (2, 1, 3)),
        ((2, 3), NDShape((1,)), {"beginAxis": END, "endAxis": END}, (1, 2, 3)),
        ((2, 3), NDShape((6,)), {"beginAxis": static_axis(-2), "endAxis": END}, (6,)),
        ((FREE, 3), NDShape((INFERRED,)), {}, (FREE,)),
        ((2, FREE, 3), NDShape((3, 2)), {"beginAxis": static_axis(2), "endAxis": END}, None),
    ],
)
def test_reshape_replaces_a_range_of_axes(
    shape: tuple[int, ...], new: NDShape, bounds: dict[str, Axis], result: tuple[int, ...] | None
) -> None:
    if result is None:
        with pytest.raises(InvalidGraphError, match="cannot be reshaped"):
            shape_of("Reshape", shape, newShape=new, **bounds)
    else:
        assert shape_of("Reshape", shape, newShape=new, **bounds) == result


@pytest.mark.parametrize("new", [(5,), (INFERRED, INFERRED), (INFERRED, 4), (0, INFERRED)])
def test_reshape_to_another_size_is_an_error(new: tuple[int, ...]) -> None:
    with pytest.raises(InvalidGraphError, match=r"\[2, 3\] cannot be reshaped"):
        shape_of("Reshape", (2, 3), newShape=NDShape(new))


@pytest.mark.parametrize(
    "bounds",
    [{"beginAxis": static_axis(2), "endAxis": static_axis(1)}, {"beginAxis": static_axis(4)}, {"endAxis": BATCH[0]}],
)
def test_reshape_of_a_range_that_is_none_is_an_error(bounds: dict[str, Axis]) -> None:
    with pytest.raises(InvalidGraphError):
        shape_of("Reshape", (2, 3, 4), newShape=NDShape((1,)), **bounds)


@given(st.permutations([0, 1, 2, 3]))
def test_permutations_are_numpys_seen_from_behind(columns: list[int]) -> None:
    given_axes = tuple(static_axis(column) for column in columns)
    found = shape_of("TransposeAxes", (2, 3, 4, 5), axisVec=given_axes)
    assert found == np.zeros((2, 3, 4, 5)).T.transpose(columns).T.shape


def test_two_axes_are_swapped() -> None:
    assert shape_of("TransposeAxes", (2, 3, 4), axis1=static_axis(0), axis2=static_axis(-1)) == (4, 3, 2)


def test_axes_that_are_no_permutation_are_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="no permutation of 2 axes"):
        shape_of("TransposeAxes", (2, 3), axisVec=(static_axis(0), static_axis(0)))


@pytest.mark.parametrize(
    ("shapes", "axis", "result"),
    [
        (((2, 3), (2, 4)), static_axis(0), (2, 7)),
        (((2, 3), (5, 3)), static_axis(1), (7, 3)),
        (((4, 5), (5,)), static_axis(1), (5, 5)),
        (((4, 5), (1, 5)), static_axis(0), (4, 10)),
        (((3,), (3,)), static_axis(1), (2, 3)),
        (((), ()), static_axis(0), (2,)),
        (((2, FREE), (2, 3)), static_axis(0), (2, FREE)),
        (((FREE, 2), (3, 2)), static_axis(0), (3, 4)),
    ],
)
def test_splice_joins_one_axis_and_broadcasts_the_others(
    shapes: tuple[tuple[int, ...], ...], axis: Axis, result: tuple[int, ...]
) -> None:
    assert shape_of("Splice", *shapes, axis=axis) == result


def test_splice_of_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="operands of Splice do not fit"):
        shape_of("Splice", (2, 3), (4, 3), axis=static_axis(0))


def test_squeeze_removes_ones_alone() -> None:
    assert shape_of("Squeeze", (1, 2, 1, 3)) == (2, 3)
    assert shape_of("Squeeze", (1, 2, 1, 3), axisVec=(static_axis(1),)) == (1, 2, 3)
    with pytest.raises(InvalidGraphError, match="Squeeze of axis 1 of"):
        shape_of("Squeeze", (1, 2), axisVec=(static_axis(0),))


def test_gathered_rows_have_the_shape_of_the_indices_in_front() -> None:
    graph = Graph()
    table = graph.constant(np.zeros((7, 2, 3)))
    assert type_of(graph, graph.op("Gather", graph.input("i", (4, 5)), table)).shape == (4, 5, 2, 3)


@pytest.mark.parametrize(("attributes", "result"), [({}, (2, 3, 9)), ({"onehotAxis": static_axis(-1)}, (9, 2, 3))])
def test_one_hot_adds_its_axis(attributes: dict[str, Axis], result: tuple[int, ...]) -> None:
    assert shape_of("OneHot", (2, 3), numClass=9, **attributes) == result


def test_top_k_keeps_as_many_as_asked_for() -> None:
    assert shape_of("TopK", (2, 5), numItems=3) == (2, 3)
    with pytest.raises(InvalidGraphError, match="the top 6 of"):
        shape_of("TopK", (2, 5), numItems=6)


@pytest.mark.parametrize(("shape", "axes", "fits"), [((4, 4), STATIC, True), ((4,), BATCH, True), ((4, 4), BATCH, False)])
def test_eye_like_wants_two_axes_in_all(shape: tuple[int, ...], axes: tuple[Axis, ...], fits: bool) -> None:
    graph = Graph()
    y = graph.op("EyeLikeOp", graph.input("x", shape, axes))
    if fits:
        assert type_of(graph, y).shape == shape
    else:
        with pytest.raises(InvalidGraphError, match="EyeLike of"):
            type_of(graph, y)


def test_padding_adds_on_both_sides() -> None:
    assert shape_of("Pad", (2, 3), paddingHead=(1, 0), paddingFoot=(2, 4)) == (6, 6)
