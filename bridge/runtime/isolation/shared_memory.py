"""Memory that two processes share by way of descriptors: sealed models, and the areas for tensors.

Nobody can cut an area short under the other (which would end it with SIGBUS): its size is sealed before a worker sees it. Inputs
are sealed against writing by anyone but the parent, where the kernel can (Linux 5.1 and later).
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from bridge.runtime.isolation.frames import Placed, ProtocolError

ALIGNMENT: Final = 64  # What vector instructions like best, and more than any type needs.

_FIXED_SIZE: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
_FUTURE_WRITE: Final = 0x0010
_IMMUTABLE: Final = _FIXED_SIZE | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL

Array = np.ndarray[Any, np.dtype[Any]]


def sealed_copy(name: str, data: memoryview) -> int:
    """A descriptor of memory with ``data`` in it, which nobody can change any more. The caller closes it. Raises ``OSError``."""
    memory = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        done = 0
        while done < len(data):
            done += os.write(memory, data[done:])
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _IMMUTABLE)
    except BaseException:
        os.close(memory)
        raise
    return memory


def aligned(size: int) -> int:
    """``size`` in bytes, rounded up to where the next tensor may begin."""
    return -(-size // ALIGNMENT) * ALIGNMENT


class TensorArea:
    """An area of ``size`` bytes, mapped here for writing (``writable``, the inputs) or for reading (the outputs)."""

    def __init__(self, name: str, size: int, *, writable: bool) -> None:
        self.size = max(aligned(size), mmap.PAGESIZE)
        self.descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, self.size)
            protection = mmap.PROT_READ | mmap.PROT_WRITE if writable else mmap.PROT_READ
            self._map = mmap.mmap(self.descriptor, self.size, mmap.MAP_SHARED, protection)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _FIXED_SIZE)
            if writable:
                _only_we_write(self.descriptor)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL)
        except BaseException:
            os.close(self.descriptor)
            raise

    def put(self, arrays: Sequence[tuple[int, Array]]) -> tuple[Placed, ...]:
        """Copy arrays into the area, one behind the other. Raises ``ValueError`` when they do not fit."""
        placed: list[Placed] = []
        offset = 0
        for index, array in arrays:
            if offset + array.nbytes > self.size:
                raise ValueError(f"tensors of more than {self.size} bytes")
            placed.append(Placed(index, array.dtype, array.shape, offset))
            if array.size:
                np.copyto(np.ndarray(array.shape, array.dtype, self._map, offset), array)
            offset += aligned(array.nbytes)
        return tuple(placed)

    def take(self, tensor: Placed) -> Array:
        """A copy of a tensor in the area, which nobody else can write to. Raises ``ProtocolError`` for one that is not inside."""
        size = math.prod(tensor.shape) * tensor.dtype.itemsize
        # Extents beside a zero count too: numpy makes no array of 0 by 2^64 elements.
        stated = math.prod(extent or 1 for extent in tensor.shape) * tensor.dtype.itemsize
        if tensor.offset % ALIGNMENT or tensor.offset + size > self.size or stated > self.size:
            raise ProtocolError(f"a tensor of {stated} bytes at {tensor.offset}, in an area of {self.size}")
        if size == 0:
            return np.empty(tensor.shape, tensor.dtype)
        if tensor.dtype == np.bool_:  # A byte that is neither 0 nor 1 would be neither true nor false.
            truth: Array = np.ndarray(tensor.shape, np.uint8, self._map, tensor.offset) != 0
            return truth
        return np.ndarray(tensor.shape, tensor.dtype, self._map, tensor.offset).copy()

    def close(self) -> None:
        """Give the memory back. Nobody may be using the area any more."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            self._map.close()


def _only_we_write(descriptor: int) -> None:
    try:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _FUTURE_WRITE)
    except OSError:
        # An older kernel. A worker that changes its own inputs changes its own answers, which it could do anyway.
        return
