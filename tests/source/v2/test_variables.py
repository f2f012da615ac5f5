"""Leaves: what a file says of them must agree with itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import InvalidModelError, LimitExceededError, UnsupportedVersionError
from bridge.graph.model import DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS, FREE, INFERRED, DataType, Variable, VariableKind
from tests.source.v2.models import composite, constant, function, input_, parameter, placeholder, read, variable
from tests.source.v2.wire_writer import (
    BATCH,
    DYNAMIC_AXIS,
    FREE_DIM,
    INFERRED_DIM,
    SEQUENCE,
    UNKNOWN_DIM,
    AxisValue,
    Int,
    Shape,
    Size,
    Value,
)


def leaf(record: dict[str, Value]) -> Variable:
    """The variable that ``record`` is read as, in a model that passes it on."""
    uid = record["uid"]
    return read(composite("F", [record], [function("F", "Combine", [uid])])).variables[uid]


def test_input_is_read_with_row_major_shape_and_dynamic_axes() -> None:
    found = leaf(input_("x", (4, 3, 2), name="image", dynamic_axis=[SEQUENCE, BATCH], is_sparse=True, needs_gradient=True))
    assert found.kind is VariableKind.INPUT
    assert found.shape == (2, 3, 4)
    assert found.dynamic_axes == (DEFAULT_SEQUENCE_AXIS, DEFAULT_BATCH_AXIS)
    assert (found.name, found.is_sparse, found.needs_gradient, found.value) == ("image", True, True, None)


def test_parameter_and_constant_are_read_with_their_values() -> None:
    expected = np.arange(6, dtype=np.float64).reshape(2, 3)
    for record, kind in ((parameter("w", expected), VariableKind.PARAMETER), (constant("w", expected), VariableKind.CONSTANT)):
        found = leaf(record)
        assert found.value is not None
        assert (found.kind, found.data_type, found.shape) == (kind, DataType.DOUBLE, (2, 3))
        np.testing.assert_array_equal(found.value.array(), expected)


def test_open_dimensions_of_an_input_are_marked() -> None:
    assert leaf(input_("x", (5, FREE_DIM, INFERRED_DIM))).shape == (INFERRED, FREE, 5)


def test_placeholder_may_leave_everything_open() -> None:
    found = leaf(placeholder("p", dynamic_axis=[AxisValue(2147483645, "UnknownAxes")]))
    assert (found.kind, found.data_type, found.shape) == (VariableKind.PLACEHOLDER, DataType.UNKNOWN, None)


@pytest.mark.parametrize("dim", [INFERRED_DIM, FREE_DIM, UNKNOWN_DIM])
def test_parameter_with_an_open_dimension_is_refused(dim: int) -> None:
    with pytest.raises(InvalidModelError, match=r"left|not of its type and size"):
        leaf(parameter("w", np.zeros(1, np.float32)) | {"shape": Shape((dim,))})


def test_parameter_without_a_value_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="missing") as caught:
        leaf(variable("w", 2, (2,)))
    assert caught.value.field == "w.value"


@pytest.mark.parametrize("record", [input_(), placeholder("p")])
def test_input_or_placeholder_with_a_value_is_refused(record: dict[str, Value]) -> None:
    with pytest.raises(InvalidModelError, match="has a value"):
        leaf(record | {"value": np.zeros(2, np.float32)})


@pytest.mark.parametrize(
    "changes", [{"shape": Shape((3, 3))}, {"shape": Shape(())}, {"data_type": Size(2)}, {"data_type": Size(4)}]
)
def test_value_of_another_type_or_size_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidModelError, match="not of its type and size"):
        leaf(parameter("w", np.zeros((3, 2), np.float32)) | changes)


def test_value_takes_the_shape_of_its_variable() -> None:
    expected = np.arange(6, dtype=np.float32)
    found = leaf(parameter("w", expected.reshape(2, 3)) | {"shape": Shape((2, 3))})
    assert found.value is not None
    assert found.shape == found.value.shape == (3, 2)
    np.testing.assert_array_equal(found.value.array(), expected.reshape(3, 2))


@pytest.mark.parametrize("kind", [1, 5])
def test_kind_that_is_never_stored_is_refused(kind: int) -> None:
    with pytest.raises(InvalidModelError, match="never stored"):
        leaf(variable("v", kind, (2,)))


@pytest.mark.parametrize("code", [0, 3, 7])
def test_unusable_element_type_is_refused(code: int) -> None:
    with pytest.raises(InvalidModelError, match="no usable element type"):
        leaf(input_(data_type=Size(code)))


@pytest.mark.parametrize("version", [0, 2])
def test_unknown_version_is_refused(version: int) -> None:
    with pytest.raises(UnsupportedVersionError, match=f"version {version} of variables"):
        leaf(input_(version=Size(version)))


def test_another_type_of_object_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="unknown type of object"):
        leaf(input_(type="Function"))


@pytest.mark.parametrize(
    "key", ["version", "type", "uid", "kind", "data_type", "dynamic_axis", "is_sparse", "needs_gradient", "shape"]
)
def test_missing_key_is_refused_by_name(key: str) -> None:
    record = input_()
    del record[key]
    with pytest.raises(InvalidModelError, match="a value is missing") as caught:
        read(composite("F", [record], [function("F", "Combine", ["x"])]))
    assert key in str(caught.value.field)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("uid", Size(1)),
        ("kind", "0"),
        ("kind", True),
        ("dynamic_axis", Shape((1,))),
        ("dynamic_axis", ["batch"]),
        ("is_sparse", Size(0)),
        ("shape", [Size(2)]),
        ("name", Int(1)),
        ("version", 1.0),
    ],
)
def test_value_of_the_wrong_type_is_refused(key: str, value: Value) -> None:
    record = input_() | {key: np.zeros(1, np.float32) if isinstance(value, float) else value}
    with pytest.raises(InvalidModelError, match="of the wrong type"):
        read(composite("F", [record], [function("F", "Combine", ["x"])]))


def test_static_axis_among_the_dynamic_ones_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="static axis"):
        leaf(input_(dynamic_axis=[AxisValue(1)]))


def test_number_of_dynamic_axes_is_bounded() -> None:
    with pytest.raises(LimitExceededError, match="dynamic axes"):
        leaf(input_(dynamic_axis=[AxisValue(DYNAMIC_AXIS, "a")] * 33))


def test_product_of_an_inputs_dimensions_is_bounded() -> None:
    with pytest.raises(LimitExceededError, match="elements of a variable"):
        leaf(input_("x", (1 << 30, FREE_DIM, 1 << 30)))


def test_empty_uid_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="uid is empty"):
        leaf(input_(""))


def test_length_of_uids_is_bounded_in_bytes() -> None:
    leaf(input_("ä" * 2048))
    with pytest.raises(LimitExceededError, match="uid length"):
        leaf(input_("ä" * 2049))


def test_same_uid_twice_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="same uid"):
        read(composite("F", [input_("x"), input_("x")], [function("F", "Combine", ["x"])]))
