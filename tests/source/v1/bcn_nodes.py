"""Nodes with fields that depend on the version, as CNTK wrote them in each."""

from __future__ import annotations

from collections.abc import Sequence

from tests.source.v1.bcn_writer import BcnFile, f64, flag, flags, i32, i64, shape, u32, u64, wide


def times(file: BcnFile, name: str, weight: str, data: str, *, output_rank: int = 1) -> str:
    body = (u64(output_rank) if file.version >= 3 else b"") + (i32(-1) if file.version >= 12 else b"")
    return file.node("Times", name, body, inputs=(weight, data))


def plus(file: BcnFile, name: str, left: str, right: str) -> str:
    return file.node("Plus", name, inputs=(left, right))


def delay(
    file: BcnFile, name: str, source: Sequence[str], *, steps: int = 1, initial: float = 0.25, op: str = "PastValue"
) -> str:
    body = i32(steps)
    body += shape(2) if file.version > 3 else u64(2) + u64(1)
    body += file.element(initial) if file.version >= 2 else b""
    return file.node(op, name, body, inputs=source)


def slice_rows(file: BcnFile, name: str, source: str, begin: int, end: int, *, axis: int = 1) -> str:
    body = (i32(1) if file.version >= 22 else b"") + i64(begin) + i64(end - begin)
    body += i32(axis) if file.version >= 3 else b""
    body += i32(1) if file.version >= 27 else b""
    return file.node("Slice", name, body, inputs=(source,))


def row_stack(file: BcnFile, name: str, *sources: str) -> str:
    return file.node("RowStack", name, i32(1) if file.version >= 3 else b"", inputs=sources)


def transpose(file: BcnFile, name: str, source: str, axis1: int = 1, axis2: int = 2) -> str:
    return file.node("TransposeDimensions", name, i32(axis1) + i32(axis2) if file.version >= 3 else b"", inputs=(source,))


def dropout(file: BcnFile, name: str, source: str) -> str:
    return file.node("Dropout", name, u64(7) + u64(5) if file.version >= 16 else b"", inputs=(source,))


def reduce_sum(file: BcnFile, name: str, source: str, axis: int) -> str:
    body = (i32(1) if file.version >= 27 else b"") + i32(axis) + wide("Sum")
    return file.node("ReduceElements", name, body + (flag(False) if file.version >= 24 else b""), inputs=(source,))


def window(
    file: BcnFile,
    kernel: Sequence[int],
    stride: Sequence[int],
    *,
    maps: int = 0,
    pad: bool = False,
    kind: int = 0,
    layout: int = 1,
) -> bytes:
    """The fields that convolution and pooling share from version 5 on."""
    rank = len(kernel)
    body = shape(*kernel) + shape(maps) + shape(*stride) + flags(*[True] * rank) + flags(*[pad] * (rank - 1), False)
    body += shape(*[0] * rank) + shape(*[0] * rank) + i32(kind) + i32(layout) + u64(0)
    body += flag(False) if file.version >= 9 else b""
    body += shape(0) if file.version >= 20 else b""
    body += flag(False) if file.version >= 21 else b""
    return body + (flag(False) if file.version >= 23 else b"")


def convolution(file: BcnFile, name: str, weight: str, data: str, kernel: tuple[int, int, int], maps: int) -> str:
    """Stride 1 with padding; before version 5 in the two-dimensional form, whose kernel states no channels."""
    width, height, channels = kernel
    if file.version < 5:
        body = u64(width) + u64(height) + u64(1) + u64(1) + u32(maps) + u32(1) + flag(True) + u64(0)
    else:
        body = window(file, kernel, (1, 1, channels), maps=maps, pad=True) + flag(False)
        body += shape(1) if file.version >= 18 else b""
    return file.node("Convolution", name, body, inputs=(weight, data))


def max_pooling(file: BcnFile, name: str, data: str) -> str:
    """Windows of 2 x 2 with stride 2, in the oldest form."""
    return file.node("MaxPooling", name, u32(2) + u32(1) + u64(2) + u64(2) + u64(2), inputs=(data,))


def pooling(file: BcnFile, name: str, data: str, *, kind: int = 1) -> str:
    """Windows of 2 x 2 with stride 2."""
    return file.node("Pooling", name, window(file, (2, 2, 1), (2, 2, 1), maps=1, kind=kind), inputs=(data,))


def batch_normalization(file: BcnFile, name: str, inputs: Sequence[str], *, epsilon: float = 0.5) -> str:
    if file.version < 6:
        body = i32(0x00010004) + i32(0x00010003) + flag(False) + flag(True) + f64(3.0)
        body += i32(1) + u64(9) + f64(epsilon) + flag(True)
    else:
        body = flag(True) + f64(3.0) + f64(4.0) + i32(1)
        body += flag(False) if file.version == 19 else u64(9)
        body += f64(epsilon) + flag(True)
    return file.node("BatchNormalization", name, body, inputs=inputs)
