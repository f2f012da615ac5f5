"""Memory that two processes share by way of descriptors: sealed models, and the areas for tensors.

Nobody can cut an area short under the other (which would end it with SIGBUS): its size is sealed before a worker sees it. Inputs
are sealed against writing by anyone but the parent, where the kernel can (Linux 5.1 and later).
"""

from __future__ import annotations

import contextlib
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
            # This, other than ``numpy.ndarray``, keeps the memory from being given back under an array.
            self._octets: Array = np.frombuffer(self._map, np.uint8)
        except BaseException:
            os.close(self.descriptor)
            raise

    def place(self, tensors: Sequence[tuple[int, np.dtype[Any], tuple[int, ...]]]) -> tuple[Placed, ...]:
        """Where tensors of these numbers, types and shapes lie, in this order. Raises ``ValueError`` where they do not fit."""
        placed: list[Placed] = []
        offset = 0
        for index, dtype, shape in tensors:
            size = math.prod(shape) * dtype.itemsize
            if offset + size > self.size:
                raise ValueError(f"tensors of more than {self.size} bytes")
            placed.append(Placed(index, dtype, shape, offset))
            offset += aligned(size)
        return tuple(placed)

    def window(self, tensor: Placed) -> Array:
        """A tensor's array in the area, for as long as that is open. Raises ``ProtocolError`` for one that is not inside."""
        size = math.prod(tensor.shape) * tensor.dtype.itemsize
        # Extents beside a zero count too: numpy makes no array of 0 by 2^64 elements.
        stated = math.prod(extent or 1 for extent in tensor.shape) * tensor.dtype.itemsize
        if tensor.offset % ALIGNMENT or tensor.offset + size > self.size or stated > self.size:
            raise ProtocolError(f"a tensor of {stated} bytes at {tensor.offset}, in an area of {self.size}")
        if size == 0:
            return np.empty(tensor.shape, tensor.dtype)
        return self._octets[tensor.offset : tensor.offset + size].view(tensor.dtype).reshape(tensor.shape)

    def close(self) -> None:
        """Give the memory back. Nobody may be using the area any more."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            self._octets = np.empty(0, np.uint8)
            # Who still has a window keeps the memory until it lets go of that.
            with contextlib.suppress(BufferError):
                self._map.close()


def copied(window: Array) -> Array:
    """A copy of a window, which nobody else can write to."""
    if window.dtype == np.bool_:  # A byte that is neither 0 nor 1 would be neither true nor false.
        truth: Array = window.view(np.uint8) != 0
        return truth
    return window.copy()


def _only_we_write(descriptor: int) -> None:
    try:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _FUTURE_WRITE)
    except OSError:
        # An older kernel. A worker that changes its own inputs changes its own answers, which it could do anyway.
        return
