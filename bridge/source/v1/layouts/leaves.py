"""Parameters, inputs and precomputed statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bridge.source.v1.readers import f32, flag, matrix, shape_or_image, text, u64
from bridge.source.v1.record import Field, Layout, Record

_TENSOR_SHAPES_VERSION = 3


def _parameter_head(record: Record) -> None:
    """``learningRate`` (0 marks a constant) and ``shape``.

    Before version 3 a flag stood for the former, and for the latter two numbers, where 0 rows announced a shape.
    """
    fields, cursor = record.fields, record.cursor
    if record.version >= _TENSOR_SHAPES_VERSION:
        fields["learningRate"] = cursor.f32("learningRate")
        fields["shape"] = record.shape("shape")
        return
    fields["learningRate"] = float(cursor.flag("updatable"))
    rows, columns = cursor.u64("rows"), cursor.u64("columns")
    if rows:
        fields["shape"] = (rows, columns)
        return
    dims = record.shape_or_image("shape")
    fields["shape"] = (*dims, columns) if columns > 1 else dims


def _parameter_value(record: Record) -> None:
    """``value``, which must have as many elements as ``shape`` says."""
    start = record.cursor.offset
    value = record.matrix("value")
    dims = record.fields["shape"]
    assert isinstance(dims, tuple)
    elements = math.prod(dims)
    if elements != value.values.size:
        raise record.cursor.wrong(
            "the matrix of a parameter does not fit its shape",
            "value",
            offset=start,
            expected=f"{elements} elements for shape {list(dims)}",
            found=f"{value.rows} x {value.columns}",
        )
    record.fields["value"] = value


def _axis_name(record: Record) -> None:
    """``axis``: the name of the dynamic axis, preceded by whether there is one."""
    record.fields["axis"] = ""
    if record.version < 8:
        return
    start = record.cursor.offset
    number = record.cursor.u32("axisCount")
    if number > 1:
        raise record.cursor.wrong(
            "an input has several dynamic axes", "axisCount", offset=start, expected="0 or 1", found=str(number)
        )
    if number:
        record.fields["axis"] = text(record, "axis")


_INPUT: Layout = (
    Field("rows", u64),
    Field("columns", u64),
    Field("shape", shape_or_image),
    _axis_name,
    Field("learningRate", f32, since=10, default=0.0),
)

_STATISTIC: Layout = (Field("hasComputed", flag), Field("value", matrix))

LEAF_LAYOUTS: Mapping[str, Layout] = {
    "LearnableParameter": (_parameter_head, _parameter_value),
    "InputValue": _INPUT,
    "SparseInputValue": _INPUT,
    "Mean": _STATISTIC,
    "InvStdDev": _STATISTIC,
}
