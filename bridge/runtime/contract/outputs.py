"""What the engine answers, held against the signed interface before the caller sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from bridge.errors import ModelFailedError, UnknownOutputError
from bridge.package.interface import Interface, Tensor
from bridge.runtime.contract.finiteness import all_finite
from bridge.runtime.contract.inputs import Binding
from bridge.runtime.served import Array


class OutputContract:
    """The interface's outputs, compiled once."""

    def __init__(self, interface: Interface, output_bytes: int | None = None, *, finite: bool = False) -> None:
        """``output_bytes`` replaces the interface's limit; ``finite`` asks every output for finite numbers."""
        self.names: Final = [tensor.name for tensor in interface.outputs]
        self.output_bytes: Final = interface.limits.output_bytes if output_bytes is None else output_bytes
        self._rules: Final = {tensor.name: _OutputRule(tensor, finite=finite) for tensor in interface.outputs}

    def wanted(self, outputs: Sequence[str] | None) -> list[str]:
        """The names to ask the engine for. Raises ``UnknownOutputError``."""
        if outputs is None:
            return self.names
        for name in outputs:
            if name not in self._rules:
                raise UnknownOutputError(name, self.names)
        return list(dict.fromkeys(outputs))

    def check(self, names: Sequence[str], arrays: Sequence[Array], binding: Binding) -> dict[str, Array]:
        """The answer by name. Raises ``ModelFailedError`` for one that departs from the interface."""
        octets = 0
        answer = {}
        for name, array in zip(names, arrays, strict=True):
            self._rules[name].check(array, binding)
            octets += array.nbytes
            answer[name] = array
        if octets > self.output_bytes:
            raise ModelFailedError(
                f"the answer has {octets} bytes; expected at most {self.output_bytes}, the limit of the interface"
            )
        return answer


class _OutputRule:
    __slots__ = ("_dtype", "_finite", "_shape", "_tensor")

    def __init__(self, tensor: Tensor, *, finite: bool) -> None:
        self._tensor = tensor
        self._shape = tensor.shape
        self._dtype = np.dtype(tensor.dtype)
        self._finite = (finite or tensor.finite) and self._dtype.kind == "f"

    def check(self, array: Array, binding: Binding) -> None:
        """Symbols that an input has bound are held against it; others are bound here, as the first output has them."""
        if type(array) is not np.ndarray or array.dtype != self._dtype:
            found = getattr(array, "dtype", type(array).__name__)
            raise ModelFailedError(f"output {self._tensor.name!r}: expected elements of type {self._dtype}; found {found}")
        shape = array.shape
        if len(shape) != len(self._shape):
            self._refuse_shape(shape, binding)
        for extent, found in zip(self._shape, shape, strict=True):
            if (extent if type(extent) is int else binding.setdefault(str(extent), found)) != found:
                self._refuse_shape(shape, binding)
        if self._finite and not all_finite(array):
            raise ModelFailedError(f"output {self._tensor.name!r}: expected finite numbers; found others")

    def _refuse_shape(self, shape: tuple[int, ...], binding: Binding) -> None:
        known = [f"{extent} = {binding[extent]}" if extent in binding else str(extent) for extent in map(str, self._shape)]
        raise ModelFailedError(f"output {self._tensor.name!r}: expected the shape [{', '.join(known)}]; found {shape}")
