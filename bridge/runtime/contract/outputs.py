"""What the engine answers, held against the signed interface before the caller sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from bridge.errors import ModelFailedError, UnknownOutputError
from bridge.package.interface import Interface, Tensor
from bridge.runtime.contract.binding import Binding, Remembered
from bridge.runtime.contract.finiteness import all_finite
from bridge.runtime.served import Array


class OutputContract:
    """The interface's outputs, compiled once."""

    def __init__(self, interface: Interface, output_bytes: int | None = None, *, finite: bool = False) -> None:
        """``output_bytes`` replaces the interface's limit; ``finite`` asks every output for finite numbers."""
        self.names: Final = [tensor.name for tensor in interface.outputs]
        self.output_bytes: Final = interface.limits.output_bytes if output_bytes is None else output_bytes
        self._sound: Final[Remembered[bool]] = Remembered()
        self._rules: Final = {tensor.name: _OutputRule(tensor, finite=finite) for tensor in interface.outputs}
        self._looks_at_values: Final = any(rule.finite for rule in self._rules.values())

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
        expected = binding.answer
        if names is self.names and expected is not None and not self._looks_at_values and len(arrays) == len(expected):
            # Mostly an answer has what the last one to inputs of these shapes had. Anything else is looked at with care.
            answer: dict[str, Array] = {}
            for (name, dtype, shape), array in zip(expected, arrays):  # noqa: B905  # As long as each other, as was seen.
                if type(array) is not np.ndarray or array.dtype is not dtype or array.shape != shape:
                    return self._check(names, arrays, binding)
                answer[name] = array
            return answer
        return self._check(names, arrays, binding)

    def _check(self, names: Sequence[str], arrays: Sequence[Array], binding: Binding) -> dict[str, Array]:
        answer: dict[str, Array] = {}
        key: list[object] = [binding]
        for name, array in zip(names, arrays, strict=True):
            rule = self._rules[name]
            if type(array) is not np.ndarray or array.dtype != rule.dtype:
                rule.refuse_kind(array)
            if rule.finite and not all_finite(array):
                rule.refuse_values()
            answer[name] = array
            key += (name, array.shape)
        # An answer to inputs of the same shapes as before mostly has the same shapes as before.
        shapes = tuple(key)
        if self._sound.get(shapes) is None:
            self._bind(names, arrays, binding)
            self._sound.keep(shapes, True)  # noqa: FBT003  # There is nothing else to remember.
        if names is self.names:
            binding.answer = tuple((name, self._rules[name].dtype, array.shape) for name, array in answer.items())
        return answer

    def _bind(self, names: Sequence[str], arrays: Sequence[Array], binding: Binding) -> None:
        """Hold shapes against the interface, the inputs and each other."""
        extents = dict(binding.extents)
        for name, array in zip(names, arrays, strict=True):
            self._rules[name].bind(array.shape, extents)
        octets = sum(array.nbytes for array in arrays)
        if octets > self.output_bytes:
            raise ModelFailedError(
                f"the answer has {octets} bytes; expected at most {self.output_bytes}, the limit of the interface"
            )


class _OutputRule:
    __slots__ = ("_tensor", "dtype", "finite")

    def __init__(self, tensor: Tensor, *, finite: bool) -> None:
        self._tensor = tensor
        self.dtype = np.dtype(tensor.dtype)
        self.finite = (finite or tensor.finite) and self.dtype.kind == "f"

    def bind(self, shape: tuple[int, ...], extents: dict[str, int]) -> None:
        """Symbols that an input has bound are held against it; others are bound here, as the first output has them."""
        if len(shape) != len(self._tensor.shape):
            self._refuse_shape(shape, extents)
        for stated, found in zip(self._tensor.shape, shape, strict=True):
            if (stated if isinstance(stated, int) else extents.setdefault(stated, found)) != found:
                self._refuse_shape(shape, extents)

    def refuse_kind(self, value: Any) -> None:
        """Raise for what is no array, or one of other elements."""
        found = getattr(value, "dtype", type(value).__name__)
        raise ModelFailedError(f"output {self._tensor.name!r}: expected elements of type {self.dtype}; found {found}")

    def refuse_values(self) -> None:
        """Raise for numbers that are not finite."""
        raise ModelFailedError(f"output {self._tensor.name!r}: expected finite numbers; found others")

    def _refuse_shape(self, shape: tuple[int, ...], extents: Mapping[str, int]) -> None:
        known = [f"{extent} = {extents[extent]}" if extent in extents else str(extent) for extent in map(str, self._tensor.shape)]
        raise ModelFailedError(f"output {self._tensor.name!r}: expected the shape [{', '.join(known)}]; found {shape}")
