"""Element types under the protocol's names. Strings (BYTES) are not among them: no converted model takes any."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bridge.errors import RequestRefusedError

NUMPY_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
_NAMES: Final = {dtype: name for name, dtype in NUMPY_TYPES.items()}
RANK_AT_MOST: Final = 32
ELEMENTS_AT_MOST: Final = 1 << 40


def numpy_type(name: object, where: str) -> np.dtype[Any]:
    """The type called ``name``. Raises ``RequestRefusedError`` if there is none of that name."""
    dtype = NUMPY_TYPES.get(name) if isinstance(name, str) else None
    if dtype is None:
        raise RequestRefusedError(
            "malformed", f"{where}.datatype: expected one of {', '.join(NUMPY_TYPES)}; found {ascii(name)[:80]}"
        )
    return dtype


def protocol_name(dtype: np.dtype[Any] | str) -> str:
    """What the protocol calls ``dtype``."""
    return _NAMES[np.dtype(dtype)]


def element_count(shape: object, where: str) -> int:
    """The number of elements of a tensor of ``shape``, which is a stranger's: a list of extents, or refused."""
    if not isinstance(shape, list) or len(shape) > RANK_AT_MOST:
        raise RequestRefusedError("malformed", f"{where}.shape: expected a list of at most {RANK_AT_MOST} extents")
    count = 1
    for extent in shape:
        if type(extent) is not int or not 0 <= extent <= ELEMENTS_AT_MOST:
            raise RequestRefusedError("malformed", f"{where}.shape: expected whole extents from 0; found {ascii(extent)[:40]}")
        count *= extent
        if count > ELEMENTS_AT_MOST:
            raise RequestRefusedError("malformed", f"{where}.shape: more elements than any tensor has")
    return count


def from_octets(octets: memoryview | bytes, dtype: np.dtype[Any], shape: list[int], where: str) -> np.ndarray[Any, np.dtype[Any]]:
    """A tensor over ``octets``, little-endian and in row-major order; nothing is copied. A truth value is a byte of 0 or 1."""
    expected = element_count(shape, where) * dtype.itemsize
    if len(octets) != expected:
        raise RequestRefusedError(
            "malformed", f"{where}: {_shown(shape)} of {protocol_name(dtype)} take {expected} bytes; found {len(octets)}"
        )
    if dtype.kind == "b":
        # Any other byte would be a truth value that is neither equal to true nor to false.
        raw = np.frombuffer(octets, np.uint8)
        if raw.size and raw.max() > 1:
            raise RequestRefusedError("malformed", f"{where}: a truth value that is neither 0 nor 1")
    return np.frombuffer(octets, dtype).reshape(shape)


def _shown(shape: list[int]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
