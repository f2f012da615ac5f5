"""What a caller gives, held against the signed interface: names, types, shapes, bounds, values. Nothing is converted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import numpy as np
from numpy import vdot

from bridge.errors import InvalidInputError
from bridge.package.interface import Bound, Interface, Tensor
from bridge.runtime.contract.binding import Binding, Described, Remembered
from bridge.runtime.contract.finiteness import all_finite
from bridge.runtime.served import Array

_FEW: Final = 64
"""Integers that Python compares faster than numpy does."""

_Shapes = tuple[tuple[int, ...] | None, ...]
_Last = tuple[tuple[Described, ...], tuple["_InputRule", ...], Binding]


class InputContract:
    """The interface's inputs, compiled once: a call costs microseconds and one pass over values that have to be finite."""

    def __init__(self, interface: Interface, input_bytes: int | None = None) -> None:
        """``input_bytes`` replaces the interface's limit on all inputs of a call together."""
        self.input_bytes: Final = interface.limits.input_bytes if input_bytes is None else input_bytes
        self._rules: Final = tuple(_InputRule(tensor, interface.symbols) for tensor in interface.inputs)
        self._names: Final = frozenset(tensor.name for tensor in interface.inputs)
        self._sound: Final[Remembered[Binding]] = Remembered()
        self._last: _Last | None = None  # One object, so that other threads see all of it or nothing.

    def check(self, inputs: Mapping[str, Array]) -> tuple[dict[str, Array], Binding]:
        """The arrays for the engine, the caller's own, and the extents of the symbols.

        Raises ``InvalidInputError`` with the input's name, what was expected and what was found.
        """
        if type(inputs) is dict:
            # Mostly a call has what the last one had, and only its values are new. Anything else is looked at with care.
            last = self._last
            feeds = inputs.copy()
            if last is not None and len(feeds) == len(last[0]):
                expected, looks, binding = last
                for name, dtype, shape in expected:
                    array = feeds.get(name)
                    if type(array) is not np.ndarray or array.dtype is not dtype or array.shape != shape:
                        break
                else:
                    for rule in looks:
                        array = feeds[rule.name]
                        # Few steps here save more than they seem to: after a run of the engine no code is in the caches.
                        if not rule.only_finite or not isfinite(vdot(array, array)):
                            rule.check_values(array, binding)
                    return feeds, binding
        elif not isinstance(inputs, Mapping):
            raise InvalidInputError("", expected="a mapping of names to numpy arrays", found=type(inputs).__name__)
        return self._check(inputs)

    def _check(self, inputs: Mapping[str, Array]) -> tuple[dict[str, Array], Binding]:
        feeds: dict[str, Array] = {}
        given: list[tuple[int, ...] | None] = []
        for rule in self._rules:
            array = inputs.get(rule.name)
            if array is None:
                rule.refuse_missing(inputs)
                given.append(None)
                continue
            # A subclass may lie about itself, as a masked array does about its values.
            if type(array) is not np.ndarray or array.dtype != rule.dtype:
                rule.refuse_kind(array)
            feeds[rule.name] = array
            given.append(array.shape)
        if len(feeds) != len(inputs):
            self._refuse_unknown(inputs)
        shapes = tuple(given)
        binding = self._sound.get(shapes)
        if binding is None:
            binding = self._bind(shapes)
        looks = tuple(rule for rule in self._rules if rule.looks_at_values and rule.name in feeds)
        for rule in looks:
            rule.check_values(feeds[rule.name], binding)
        described = tuple((rule.name, rule.dtype, feeds[rule.name].shape) for rule in self._rules if rule.name in feeds)
        self._last = described, looks, binding
        return feeds, binding

    def _bind(self, shapes: _Shapes) -> Binding:
        """Hold shapes against the interface and against each other, for the first call that has them."""
        extents: dict[str, int] = {}
        octets = sum(rule.bind(shape, extents) for rule, shape in zip(self._rules, shapes, strict=True) if shape is not None)
        if octets > self.input_bytes:
            raise InvalidInputError("", expected=f"at most {self.input_bytes} bytes", found=f"{octets}")
        binding = Binding(extents, octets)
        self._sound.keep(shapes, binding)
        return binding

    def _refuse_unknown(self, inputs: Mapping[str, Array]) -> None:
        for name in inputs:
            if name not in self._names:
                shown = ", ".join(repr(known) for known in sorted(self._names)[:20])
                raise InvalidInputError(
                    str(name)[:200], expected=f"one of the inputs {shown}", found="an input that the model does not have"
                )


class _InputRule:
    """One input, with everything that a check needs at hand."""

    __slots__ = (
        "_finite",
        "_lengths_of",
        "_maximum",
        "_minimum",
        "_ranged",
        "_symbols",
        "_tensor",
        "dtype",
        "looks_at_values",
        "name",
        "only_finite",
    )

    def __init__(self, tensor: Tensor, symbols: Mapping[str, Bound]) -> None:
        self.name = tensor.name
        self.dtype = np.dtype(tensor.dtype)
        self._tensor = tensor
        self._symbols = symbols
        self._finite = tensor.finite and self.dtype.kind == "f"
        self._lengths_of = tensor.lengths_of
        self._minimum = -math.inf if tensor.minimum is None else tensor.minimum
        self._maximum = math.inf if tensor.maximum is None else tensor.maximum
        self._ranged = tensor.minimum is not None or tensor.maximum is not None
        # What ``all_finite`` begins with tells enough of these.
        self.only_finite = self._finite and self.dtype.itemsize > 2 and not (self._ranged or self._lengths_of)
        self.looks_at_values = self._finite or self._ranged or bool(self._lengths_of)

    def refuse_missing(self, inputs: Mapping[str, Array]) -> None:
        """Raise unless the input may be left out, and was left out."""
        if self.name in inputs:
            raise InvalidInputError(self.name, expected="a numpy array", found="None")
        if not self._tensor.optional:
            raise InvalidInputError(self.name, expected=self._described(), found="nothing of that name")

    def refuse_kind(self, value: Any) -> None:
        """Raise for what is no array, or one of other elements."""
        if type(value) is np.ndarray:
            raise InvalidInputError(self.name, expected=f"elements of type {self.dtype}", found=f"{value.dtype}")
        kind = type(value).__name__
        advice = "subclasses are not taken" if isinstance(value, np.ndarray) else "lists and other containers are not converted"
        raise InvalidInputError(self.name, expected=f"a numpy array, {self._described()}", found=f"{kind}; {advice}")

    def bind(self, shape: tuple[int, ...], extents: dict[str, int]) -> int:
        """The bytes of an array of a sound shape; the extents of its symbols are added to ``extents``."""
        if len(shape) != len(self._tensor.shape):
            raise InvalidInputError(self.name, expected=f"the shape {self._shape()}", found=f"{shape}")
        for stated, found in zip(self._tensor.shape, shape, strict=True):
            if isinstance(stated, int):
                if found != stated:
                    raise InvalidInputError(self.name, expected=f"the shape {self._shape()}", found=f"{shape}")
                continue
            bound = self._symbols[stated]
            if not bound.minimum <= found <= bound.maximum:
                expected = f"{stated} from {bound.minimum} to {bound.maximum}"
                raise InvalidInputError(self.name, expected=expected, found=f"the shape {shape}")
            if extents.setdefault(stated, found) != found:
                expected = f"{stated} = {extents[stated]}, as in the inputs before it"
                raise InvalidInputError(self.name, expected=expected, found=f"the shape {shape}")
        return math.prod(shape) * self.dtype.itemsize

    def check_values(self, array: Array, binding: Binding) -> None:
        """Finite numbers, in their range; lengths of sequences from 1 to the extent of the axis that they are lengths of."""
        if self._finite and not all_finite(array):
            raise InvalidInputError(self.name, expected="finite numbers", found=_first_not_finite(array))
        if self._lengths_of:
            # Bounded by an extent that another input states, which is known now that all were seen.
            extent = binding.extents.get(self._lengths_of, math.inf)
            if array.size != 1 or not 1 <= array.item() <= extent:
                self._check_range(array, 1, extent)
        elif self._ranged:
            self._check_range(array, self._minimum, self._maximum)

    def _check_range(self, array: Array, minimum: float, maximum: float) -> None:
        size = array.size
        if not size:
            return
        if size == 1:
            least = greatest = array.item()
        elif size <= _FEW and self.dtype.kind != "f":
            values = array.ravel().tolist()
            least, greatest = min(values), max(values)
        else:
            least, greatest = np.minimum.reduce(array, axis=None), np.maximum.reduce(array, axis=None)
        # Written so that not-a-number is outside of every range.
        if least >= minimum and greatest <= maximum:
            return
        expected = (
            f"lengths from 1 to {self._lengths_of} = {maximum}" if self._lengths_of else f"values from {minimum:g} to {maximum:g}"
        )
        raise InvalidInputError(self.name, expected=expected, found=f"{greatest if least >= minimum else least}")

    def _described(self) -> str:
        return f"{self.dtype} {self._shape()}"

    def _shape(self) -> str:
        return "[" + ", ".join(str(extent) for extent in self._tensor.shape) + "]"


def _first_not_finite(array: Array) -> str:
    index = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
    place = ", ".join(str(int(each)) for each in index)
    return f"{array[index]} at [{place}]"
