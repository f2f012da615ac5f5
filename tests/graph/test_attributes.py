"""Attributes are read with their types checked; a wrong one is named with its node."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.model import DEFAULT_BATCH_AXIS, Attributes, AttributeValue, Axis, AxisKind, NDShape
from bridge.graph.network import Node

FIRST = Axis(AxisKind.STATIC, 0)


def node(**values: AttributeValue) -> Node:
    return Node("Slice7", "Slice", (), (), values)


READERS: dict[str, tuple[Callable[[Node], object], Attributes, object, tuple[AttributeValue, ...]]] = {
    "integer": (lambda n: attributes.integer(n, "k"), {"k": 3}, 3, (True, 1.0, "1", None)),
    "number": (lambda n: attributes.number(n, "k"), {"k": 3}, 3.0, (True, "1", None)),
    "flag": (lambda n: attributes.flag(n, "k", default=False), {"k": True}, True, (1, "true")),
    "text": (lambda n: attributes.text(n, "k"), {"k": "Sum"}, "Sum", (1, None)),
    "vector": (lambda n: attributes.vector(n, "k"), {"k": (1, "a")}, (1, "a"), (1, NDShape((1,)), None)),
    "integers": (lambda n: attributes.integers(n, "k"), {"k": NDShape((2, 3))}, (2, 3), (1, (1, "a"), None)),
    "flags": (lambda n: attributes.flags(n, "k"), {"k": (True, False)}, (True, False), (True, (True, 2), None)),
    "axis": (lambda n: attributes.axis(n, "k"), {"k": FIRST}, FIRST, (0, None)),
    "axes": (lambda n: attributes.axes(n, "k"), {"k": (FIRST,)}, (FIRST,), ((FIRST, 1), 0)),
}


@pytest.mark.parametrize("name", READERS)
def test_attribute_of_the_right_type_is_read(name: str) -> None:
    read, values, expected, _ = READERS[name]
    assert read(node(**values)) == expected


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (*_, wrong) in READERS.items() for value in wrong])
def test_attribute_of_another_type_is_named_with_its_node(name: str, value: AttributeValue) -> None:
    with pytest.raises(InvalidGraphError, match=r"node Slice7: attribute 'k' of Slice: expected .*, found") as caught:
        READERS[name][0](node(k=value))
    assert caught.value.node == "Slice7"


def test_missing_attribute_takes_its_default_or_is_named() -> None:
    assert attributes.integer(node(), "k", 5) == 5
    assert attributes.number(node(), "k", 0.5) == 0.5
    assert attributes.flag(node(), "k", default=True) is True
    assert attributes.text(node(), "k", "Sum") == "Sum"
    assert attributes.integers(node(), "k", [1, 2]) == (1, 2)
    assert attributes.flags(node(), "k", [True]) == (True,)
    with pytest.raises(InvalidGraphError, match="expected an integer, found nothing"):
        attributes.integer(node(), "k")


def test_vector_of_axes_wins_over_a_single_one() -> None:
    second = Axis(AxisKind.STATIC, 1)
    assert attributes.axes(node(axis=FIRST)) == (FIRST,)
    assert attributes.axes(node(axis=FIRST, axisVec=(second,))) == (second,)


@pytest.mark.parametrize(("index", "row"), [(0, 2), (1, 1), (2, 0), (-1, 0), (-3, 2)])
def test_static_axes_count_from_the_last_row_major_one(index: int, row: int) -> None:
    assert attributes.row_major(node(), Axis(AxisKind.STATIC, index), 3) == row


@pytest.mark.parametrize("index", [3, -4, 100])
def test_axis_outside_the_tensor_is_an_error(index: int) -> None:
    with pytest.raises(InvalidGraphError, match=f"axis {index} of a tensor of 3 static dimensions"):
        attributes.row_major(node(), Axis(AxisKind.STATIC, index), 3)


def test_axis_past_the_slowest_is_row_major_minus_one_where_it_is_allowed() -> None:
    past = Axis(AxisKind.END_STATIC)
    assert attributes.row_major(node(), past, 3, end=True) == -1
    assert attributes.row_major(node(), Axis(AxisKind.STATIC, 3), 3, end=True) == -1
    with pytest.raises(InvalidGraphError):
        attributes.row_major(node(), past, 3)


def test_dynamic_axis_where_a_static_one_belongs_is_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="a static axis was expected, found batch"):
        attributes.row_major(node(), DEFAULT_BATCH_AXIS, 3)
