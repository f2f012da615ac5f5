"""Packed runs of ``sint32`` (zigzag varints), the stored form of int16 arrays: no other elements need decoding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidModelError

_FIELD = "NDArrayView.sint32_values"
_MAX_BYTES = 3  # of the varint of a zigzagged int16
_CHUNK_BYTES = 1 << 16  # bounds the intermediate arrays, which are wider than the result


def read_zigzag16(data: memoryview, start: int, end: int, count: int) -> npt.NDArray[np.generic]:
    """``count`` int16 values from the packed varints ``data[start:end]``, of at most twice the size that they have there."""
    octets = np.frombuffer(data[start:end], np.uint8)
    found = sum(int(np.count_nonzero(chunk < 0x80)) for chunk in _chunks(octets))
    if found != count or (len(octets) and octets[-1] >= 0x80):
        raise InvalidModelError(
            "an array's elements do not fill its shape",
            offset=start,
            field=_FIELD,
            expected=f"{count} values",
            found=f"{found} values",
        )
    values = np.empty(count, np.int16)
    position = filled = 0
    while position < len(octets):
        chunk = octets[position : position + _CHUNK_BYTES]
        last = np.flatnonzero(chunk < 0x80)
        if not len(last):
            raise _too_wide(start + position)
        decoded = _decode(chunk[: int(last[-1]) + 1], last, start + position)
        values[filled : filled + len(decoded)] = decoded
        filled += len(decoded)
        position += int(last[-1]) + 1
    values.flags.writeable = False
    return values


def _chunks(octets: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    return [octets[at : at + _CHUNK_BYTES] for at in range(0, len(octets), _CHUNK_BYTES)]


def _decode(octets: npt.NDArray[np.uint8], last: npt.NDArray[np.intp], offset: int) -> npt.NDArray[np.int16]:
    """The values of whole varints; ``last`` holds the index of the last byte of each."""
    first = np.concatenate((np.zeros(1, np.intp), last[:-1] + 1))
    lengths = last - first + 1
    if int(lengths.max()) > _MAX_BYTES:
        raise _too_wide(offset + int(first[int(lengths.argmax())]))
    raw = np.zeros(len(last), np.uint32)
    for place in range(_MAX_BYTES):
        wide = lengths > place
        raw[wide] |= (octets[first[wide] + place] & np.uint8(0x7F)).astype(np.uint32) << np.uint32(7 * place)
    if int(raw.max()) > 0xFFFF:
        raise _too_wide(offset + int(first[int(raw.argmax())]))
    return ((raw >> np.uint32(1)).astype(np.int32) ^ -(raw & np.uint32(1)).astype(np.int32)).astype(np.int16)


def _too_wide(offset: int) -> InvalidModelError:
    return InvalidModelError("an element of an int16 array does not fit in 16 bits", offset=offset, field=_FIELD)
