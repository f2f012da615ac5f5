"""Operators that move, cut, join or reduce values."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.source.v1.readers import f64, i32, shape, shape_or_image, text, u64
from bridge.source.v1.record import Field, Layout, Record


def _axis_count(record: Record, since: int) -> int:
    """How many axes follow: 1 before version ``since``, at least 1 and at most ``limits.rank`` from then on."""
    if record.version < since:
        return 1
    cursor = record.cursor
    start = cursor.offset
    number = cursor.i32("axisCount")
    if number < 1:
        raise cursor.wrong("a number of axes is not positive", "axisCount", offset=start, expected="1 or more", found=str(number))
    if number > cursor.limits.rank:
        raise cursor.beyond("dimensions", "axisCount", limit=cursor.limits.rank, actual=number, offset=start)
    return number


def _slice(record: Record) -> None:
    """``axes`` (1-based), ``begins``, ``ends`` and ``strides``; the file stores end - begin."""
    cursor = record.cursor
    begins: list[int] = []
    ends: list[int] = []
    axes: list[int] = []
    strides: list[int] = []
    for _ in range(_axis_count(record, since=22)):
        begins.append(cursor.i64("begin"))
        ends.append(begins[-1] + cursor.i64("height"))
        axes.append(cursor.i32("axis") if record.version >= 3 else 1)
        strides.append(cursor.i32("stride") if record.version >= 27 else 1)
    record.fields.update(axes=tuple(axes), begins=tuple(begins), ends=tuple(ends), strides=tuple(strides))


def _transpose(record: Record) -> None:
    """``axis1`` and ``axis2`` (1-based) or, where both are 0, ``permutation`` (0-based); the latter is empty otherwise."""
    cursor, fields = record.cursor, record.fields
    axis1, axis2 = (cursor.i32("axis1"), cursor.i32("axis2")) if record.version >= 3 else (1, 2)
    fields["axis1"], fields["axis2"], fields["permutation"] = axis1, axis2, ()
    if record.version >= 25 and axis1 == 0 and axis2 == 0:
        number = cursor.count("permutation", element_bytes=8, limit=cursor.limits.rank, resource="dimensions")
        fields["permutation"] = tuple(cursor.u64("permutation") for _ in range(number))


def _reduce(record: Record) -> None:
    """``axes`` (1-based; 0 all static, -1 all, -2 sequence, -3 batch), ``operation`` and ``keepDimensions``."""
    cursor = record.cursor
    axes = tuple(cursor.i32("axis") for _ in range(_axis_count(record, since=27)))
    record.fields["axes"] = axes
    record.fields["operation"] = cursor.wide_text("operation")
    record.fields["keepDimensions"] = cursor.flag("keepDimensions") if record.version >= 24 else axes[0] > 0


SHAPE_LAYOUTS: Mapping[str, Layout] = {
    "Slice": (_slice,),
    "RowStack": (Field("axis", i32, since=3, default=1),),
    "RowRepeat": (Field("numRepeats", u64),),
    "Reshape": (Field("beginAxis", i32), Field("endAxis", i32), Field("shape", shape)),
    "LegacyReshape": (Field("rows", u64), Field("shape", shape_or_image)),
    "TransposeDimensions": (_transpose,),
    "ReduceElements": (_reduce,),
    "Crop": (Field("xOffset", f64), Field("yOffset", f64)),
    "Where": (Field("axis", text, since=11, default=""),),
}
