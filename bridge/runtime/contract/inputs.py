"""What a caller gives, held against the signed interface: names, types, shapes, bounds, values. Nothing is converted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from bridge.errors import InvalidInputError
from bridge.package.interface import Bound, Interface, Tensor
from bridge.runtime.contract.finiteness import all_finite
from bridge.runtime.served import Array

Binding = dict[str, int]
"""The extent of every symbol in one call."""


class InputContract:
    """The interface's inputs, compiled once: a call costs microseconds and one pass over values that have to be finite."""

    def __init__(self, interface: Interface, input_bytes: int | None = None) -> None:
        """``input_bytes`` replaces the interface's limit on all inputs of a call together."""
        self.input_bytes: Final = interface.limits.input_bytes if input_bytes is None else input_bytes
        self._rules: Final = tuple(_InputRule(tensor, interface.symbols) for tensor in interface.inputs)
        self._names: Final = frozenset(tensor.name for tensor in interface.inputs)

    def check(self, inputs: Mapping[str, Array]) -> tuple[dict[str, Array], Binding]:
        """The arrays for the engine, the caller's own, and the extents of the symbols.

        Raises ``InvalidInputError`` with the input's name, what was expected and what was found.
        """
        if not isinstance(inputs, Mapping):
            raise InvalidInputError("", expected="a mapping of names to numpy arrays", found=type(inputs).__name__)
        feeds: dict[str, Array] = {}
        binding: Binding = {}
        octets = 0
        for rule in self._rules:
            array = inputs.get(rule.name)
            if array is None:
                rule.refuse_missing(inputs)
                continue
            octets += rule.check(array, binding)
            feeds[rule.name] = array
        if len(feeds) != len(inputs):
            self._refuse_unknown(inputs)
        if octets > self.input_bytes:
            raise InvalidInputError("", expected=f"at most {self.input_bytes} bytes", found=f"{octets}")
        for rule in self._rules:
            # Bounded by an extent that another input states, which is known when all were seen.
            if rule.lengths_of and rule.name in feeds:
                rule.check_lengths(feeds[rule.name], binding)
        return feeds, binding

    def _refuse_unknown(self, inputs: Mapping[str, Array]) -> None:
        for name in inputs:
            if name not in self._names:
                shown = ", ".join(repr(known) for known in sorted(self._names)[:20])
                raise InvalidInputError(
                    str(name)[:200], expected=f"one of the inputs {shown}", found="an input that the model does not have"
                )


class _InputRule:
    """One input, with everything that a check needs at hand."""

    __slots__ = ("_dtype", "_finite", "_fixed", "_maximum", "_minimum", "_rank", "_symbolic", "_tensor", "lengths_of", "name")

    def __init__(self, tensor: Tensor, symbols: Mapping[str, Bound]) -> None:
        self.name = tensor.name
        self.lengths_of = tensor.lengths_of
        self._tensor = tensor
        self._dtype = np.dtype(tensor.dtype)
        self._rank = len(tensor.shape)
        self._fixed = tuple((axis, extent) for axis, extent in enumerate(tensor.shape) if isinstance(extent, int))
        self._symbolic = tuple(
            (axis, extent, symbols[extent].minimum, symbols[extent].maximum)
            for axis, extent in enumerate(tensor.shape)
            if isinstance(extent, str)
        )
        self._finite = tensor.finite and self._dtype.kind == "f"
        self._minimum = tensor.minimum
        self._maximum = tensor.maximum

    def refuse_missing(self, inputs: Mapping[str, Array]) -> None:
        """Raise unless the input may be left out, and was left out."""
        if self.name in inputs:
            raise InvalidInputError(self.name, expected="a numpy array", found="None")
        if not self._tensor.optional:
            raise InvalidInputError(self.name, expected=self._described(), found="nothing of that name")

    def check(self, array: Array, binding: Binding) -> int:
        """The bytes of an array that is as the interface says; extents of symbols go into ``binding``."""
        # A subclass may lie about itself, as a masked array does about its values.
        if type(array) is not np.ndarray:
            self._refuse_kind(array)
        if array.dtype != self._dtype:
            raise InvalidInputError(self.name, expected=f"elements of type {self._dtype}", found=f"{array.dtype}")
        shape = array.shape
        if len(shape) != self._rank:
            raise InvalidInputError(self.name, expected=f"the shape {self._shape()}", found=f"{shape}")
        for axis, extent in self._fixed:
            if shape[axis] != extent:
                raise InvalidInputError(self.name, expected=f"the shape {self._shape()}", found=f"{shape}")
        for axis, symbol, least, greatest in self._symbolic:
            found = shape[axis]
            if not least <= found <= greatest:
                raise InvalidInputError(self.name, expected=f"{symbol} from {least} to {greatest}", found=f"the shape {shape}")
            if binding.setdefault(symbol, found) != found:
                expected = f"{symbol} = {binding[symbol]}, as in the inputs before it"
                raise InvalidInputError(self.name, expected=expected, found=f"the shape {shape}")
        self._check_values(array)
        return array.nbytes

    def check_lengths(self, array: Array, binding: Binding) -> None:
        """Lengths of sequences: from 1 to the extent of the axis that they are lengths of."""
        extent = binding.get(self.lengths_of)
        if extent is None or not array.size:
            return
        least, greatest = int(np.minimum.reduce(array, axis=None)), int(np.maximum.reduce(array, axis=None))
        if least < 1 or greatest > extent:
            found = least if least < 1 else greatest
            raise InvalidInputError(self.name, expected=f"lengths from 1 to {self.lengths_of} = {extent}", found=str(found))

    def _check_values(self, array: Array) -> None:
        if self._finite and not all_finite(array):
            raise InvalidInputError(self.name, expected="finite numbers", found=_first_not_finite(array))
        if (self._minimum is None and self._maximum is None) or not array.size or self.lengths_of:
            return
        # Written so that not-a-number is outside of every range.
        if self._minimum is not None and not np.minimum.reduce(array, axis=None) >= self._minimum:
            raise InvalidInputError(self.name, expected=f"values of at least {self._minimum:g}", found=f"{array.min()}")
        if self._maximum is not None and not np.maximum.reduce(array, axis=None) <= self._maximum:
            raise InvalidInputError(self.name, expected=f"values of at most {self._maximum:g}", found=f"{array.max()}")

    def _refuse_kind(self, value: Any) -> None:
        kind = type(value).__name__
        advice = (
            "lists and other containers are not converted" if not isinstance(value, np.ndarray) else "subclasses are not taken"
        )
        raise InvalidInputError(self.name, expected=f"a numpy array, {self._described()}", found=f"{kind}; {advice}")

    def _described(self) -> str:
        return f"{self._dtype} {self._shape()}"

    def _shape(self) -> str:
        return "[" + ", ".join(str(extent) for extent in self._tensor.shape) + "]"


def _first_not_finite(array: Array) -> str:
    index = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
    place = ", ".join(str(int(each)) for each in index)
    return f"{array[index]} at [{place}]"
