"""``model.safetensors``: a length, a JSON header, and the bytes of all tensors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_DTYPES: Final = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
_ALIGNMENT: Final = 8


def safetensors_pieces(tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """The file in pieces; tensors are read one after the other, in the order given, and never gathered."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, array in tensors.items():
        header[name] = {
            "dtype": _DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    yield len(text).to_bytes(8, "little")
    yield text
    for array in tensors.values():
        stored = np.ascontiguousarray(array)
        if sys.byteorder == "big" or stored.dtype.byteorder == ">":
            stored = stored.astype(stored.dtype.newbyteorder("<"))
        yield stored.reshape(-1).view(np.uint8).data
