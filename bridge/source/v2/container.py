"""The container that CNTK writes when a model is too large for one protobuf message (2 GiB).

u32 magic | u32 length | the message, whose arrays lack their elements | the elements of all arrays, back to back
"""

from __future__ import annotations

from struct import unpack_from
from typing import NamedTuple

from bridge.errors import InvalidModelError

MAGIC = 0x636E746B.to_bytes(4, "little")
_HEADER_BYTES = 8


class Layout(NamedTuple):
    """Where the message lies, and where the elements begin that are outside of it (``None``: all are inside)."""

    start: int
    end: int
    payloads: int | None


def read_layout(data: memoryview) -> Layout:
    """The layout of a file: that of the container if it begins with the magic number, a bare message otherwise."""
    if bytes(data[: len(MAGIC)]) != MAGIC:
        return Layout(0, len(data), None)
    if len(data) < _HEADER_BYTES:
        raise InvalidModelError("the header of a container for large models is cut off", offset=len(data))
    end = _HEADER_BYTES + int(unpack_from("<I", data, len(MAGIC))[0])
    if end > len(data):
        raise InvalidModelError(
            "the message of a container for large models reaches beyond the end of the file",
            offset=len(MAGIC),
            expected=f"at most {len(data) - _HEADER_BYTES} bytes",
            found=f"{end - _HEADER_BYTES} bytes",
        )
    return Layout(_HEADER_BYTES, end, end)
