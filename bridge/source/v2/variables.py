"""Leaves of the graph: the elements of ``inputs``, each a dictionary of type ``Variable``."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import FREE, NUMPY_TYPES, UNKNOWN_SHAPE, Axis, AxisKind, DataType, NDShape, Tensor, Variable, VariableKind
from bridge.limits import Limits
from bridge.source.v2.dictionary import Dictionary
from bridge.source.v2.records import check_type, check_version, elements, optional, read_uid, required

KNOWN_KEYS = frozenset(
    ("version", "type", "uid", "kind", "data_type", "dynamic_axis", "is_sparse", "name", "needs_gradient", "shape", "value")
)
_VARIABLE_VERSION = 1
_WITH_VALUE = frozenset((VariableKind.PARAMETER, VariableKind.CONSTANT))
_DYNAMIC = frozenset((AxisKind.BATCH, AxisKind.SEQUENCE, AxisKind.UNKNOWN_DYNAMIC))


def read_variable(record: Dictionary, limits: Limits) -> Variable:
    """The leaf that ``record`` describes; raises ``InvalidModelError`` where its parts do not agree with each other."""
    uid = read_uid(record, limits)
    check_type(record, "Variable")
    check_version(record, _VARIABLE_VERSION, _VARIABLE_VERSION, "variables")
    kind = _read_kind(record)
    data_type = _read_data_type(record, kind)
    shape = _read_shape(record, kind, limits)
    return Variable(
        uid=uid,
        kind=kind,
        data_type=data_type,
        shape=shape,
        dynamic_axes=_read_dynamic_axes(record, limits),
        name=optional(record, "name", str, ""),
        is_sparse=required(record, "is_sparse", bool),
        needs_gradient=required(record, "needs_gradient", bool),
        value=_read_value(record, kind, data_type, shape),
        offset=record.offset,
    )


def _read_kind(record: Dictionary) -> VariableKind:
    code = required(record, "kind", int)
    if code == VariableKind.OUTPUT or code not in VariableKind._value2member_map_:
        raise InvalidModelError(
            "a variable is of a kind that is never stored",
            offset=record.offset,
            field=f"{record['uid']}.kind",
            expected="0 (input), 2 (parameter), 3 (constant) or 4 (placeholder)",
            found=str(code),
        )
    return VariableKind(code)


def _read_data_type(record: Dictionary, kind: VariableKind) -> DataType:
    """The element type; only placeholders may leave it open."""
    code = required(record, "data_type", int)
    if code == DataType.UNKNOWN and kind is VariableKind.PLACEHOLDER:
        return DataType.UNKNOWN
    if code not in NUMPY_TYPES:
        raise InvalidModelError(
            "a variable has no usable element type", offset=record.offset, field=f"{record['uid']}.data_type", found=str(code)
        )
    return DataType(code)


def _read_shape(record: Dictionary, kind: VariableKind, limits: Limits) -> tuple[int, ...] | None:
    """The shape, row-major, or ``None`` if unknown; bounded in the product of those dimensions that are given."""
    shape = required(record, "shape", NDShape)
    if shape == UNKNOWN_SHAPE:
        return None
    known = 1
    for dim in shape:
        known *= dim if dim > 0 else 1
    if known > limits.tensor_elements:
        raise LimitExceededError(
            "elements of a variable",
            limit=limits.tensor_elements,
            actual=known,
            offset=record.offset,
            field=f"{record['uid']}.shape",
        )
    if kind in _WITH_VALUE and shape and min(shape) < 0:
        what = "free" if FREE in shape else "inferred"
        raise InvalidModelError(
            f"a {kind.name.lower()} has a dimension that is left {what}", offset=record.offset, field=f"{record['uid']}.shape"
        )
    return tuple(reversed(shape))


def _read_dynamic_axes(record: Dictionary, limits: Limits) -> tuple[Axis, ...]:
    axes = elements(record, "dynamic_axis", Axis)
    if len(axes) > limits.rank:
        raise LimitExceededError("dynamic axes", limit=limits.rank, actual=len(axes), offset=record.offset)
    for axis in axes:
        if axis.kind not in _DYNAMIC:
            raise InvalidModelError(
                "a static axis stands among the dynamic axes",
                offset=record.offset,
                field=f"{record['uid']}.dynamic_axis",
                found=axis.kind.value,
            )
    return axes


def _read_value(record: Dictionary, kind: VariableKind, data_type: DataType, shape: tuple[int, ...] | None) -> Tensor | None:
    """The value of a parameter or constant, of the variable's type and as many elements.

    The value's own shape may be another one: CNTK saves the weights of an OptimizedRNNStack, a blob without axes, as [n, h] in
    the variable and [h, n] in its value. The order of elements is the same, so the variable's shape is the one that counts.
    """
    if kind not in _WITH_VALUE:
        if "value" in record:
            raise InvalidModelError(f"a {kind.name.lower()} has a value", offset=record.offset, field=f"{record['uid']}.value")
        return None
    value = required(record, "value", Tensor)
    if shape is None or value.data_type != data_type or prod(value.shape) != prod(shape):
        raise InvalidModelError(
            f"the value of a {kind.name.lower()} is not of its type and size",
            offset=record.offset,
            field=f"{record['uid']}.value",
            expected=f"{data_type.name.lower()} {list(shape or ())}",
            found=f"{value.data_type.name.lower()} {list(value.shape)}",
        )
    return value if value.shape == shape else replace(value, shape=shape)
