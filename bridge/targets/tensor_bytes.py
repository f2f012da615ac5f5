"""The bytes of a tensor as ONNX stores them: row-major, little-endian, without a copy where memory holds them so already."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx_ir as ir


def tensor_bytes(tensor: ir.TensorProtocol) -> memoryview:
    """The value of ``tensor`` as ``tensor.nbytes`` single bytes.

    A view of the tensor's own memory when that is contiguous, aligned or not; a lazily computed tensor is computed here.
    """
    array = tensor.numpy()
    if tensor.dtype.bitwidth < 8 or sys.byteorder == "big":
        stored = memoryview(tensor.tobytes())
    else:
        stored = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    if len(stored) != tensor.nbytes:
        # The file's offsets were computed from what the tensor says of itself: a difference would shift every weight behind it.
        raise ValueError(f"initializer {tensor.name!r} says that it has {tensor.nbytes} bytes and computes {len(stored)}")
    return stored
