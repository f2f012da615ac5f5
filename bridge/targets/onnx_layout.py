"""Where each initializer of an ONNX model goes: into the model file, or into a data file beside it, and at which offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEFAULT_EXTERNAL_DATA_THRESHOLD = 128 << 20
"""Bytes of initializers up to which a model is a single file. Measured: ``docs/adr/0003-onnx-file-layout.md``."""

PROTOBUF_BYTES = (1 << 31) - 1
"""The greatest protobuf message that its readers accept, in bytes."""

# Tensors below this size stay in the model file even when others leave it: shapes and axes are among them, which
# onnx's shape inference has to see, and which it does not look for in a data file.
_INLINE_BELOW = 1 << 10

# A multiple of every page size in use, so that a large tensor can be mapped into memory by itself.
_PAGE = 64 << 10
_PAGED_FROM = 1 << 20

# A cache line, and the widest vector register.
_LINE = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """Offsets in the data file by the initializer's name, in the order of the file; initializers not named stay inline."""

    offsets: Mapping[str, int]
    data_bytes: int  # of the data file


def lay_out(sizes: Sequence[tuple[str, int]], other_bytes: int, threshold: int) -> Layout:
    """Place initializers of ``sizes`` (name, bytes), given that the rest of the model file takes ``other_bytes``.

    All stay inline up to ``threshold`` bytes in all, provided that the file remains below protobuf's limit.
    """
    total = sum(size for _, size in sizes)
    if total <= threshold and total + other_bytes <= PROTOBUF_BYTES:
        return Layout({}, 0)
    offsets: dict[str, int] = {}
    end = 0
    for name, size in sizes:
        if size >= _INLINE_BELOW:
            alignment = _PAGE if size >= _PAGED_FROM else _LINE
            offsets[name] = -(-end // alignment) * alignment
            end = offsets[name] + size
    return Layout(offsets, end)
