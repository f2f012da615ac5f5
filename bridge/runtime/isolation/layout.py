"""What the signed interface says about tensors' sizes: how large the areas are, and what an answer may look like."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bridge.errors import InvalidInputError, ModelFailedError, RefusedModelError, UnknownOutputError
from bridge.package.interface import Interface, Tensor
from bridge.runtime.isolation.frames import PACKET_BYTES, Placed, ProtocolError
from bridge.runtime.isolation.shared_memory import Array, aligned


@dataclass(frozen=True, slots=True)
class _Slot:
    """One tensor of the interface: its type, and the greatest extent of each axis."""

    name: str
    dtype: np.dtype[np.generic]
    most: tuple[int, ...]
    fixed: tuple[bool, ...]
    optional: bool

    def accepts(self, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> bool:
        return (
            dtype == self.dtype
            and len(shape) == len(self.most)
            and all(
                extent == most if fixed else extent <= most
                for extent, most, fixed in zip(shape, self.most, self.fixed, strict=True)
            )
        )

    def described(self) -> str:
        extents = ", ".join(f"{'' if fixed else 'at most '}{most}" for most, fixed in zip(self.most, self.fixed, strict=True))
        return f"{self.dtype} [{extents}]"


class Layout:
    """An interface as workers and their parent need it: tensors by number, and sizes of areas in bytes.

    Raises ``RefusedModelError`` for an interface whose tensors could not be described in one packet.
    """

    def __init__(self, interface: Interface, *, input_bytes: int, output_bytes: int) -> None:
        self.inputs = tuple(_slot(tensor, interface) for tensor in interface.inputs)
        self.outputs = tuple(_slot(tensor, interface) for tensor in interface.outputs)
        self._input_numbers = {slot.name: number for number, slot in enumerate(self.inputs)}
        self._output_numbers = {slot.name: number for number, slot in enumerate(self.outputs)}
        self.input_bytes = _area_bytes(self.inputs, input_bytes)
        self.output_bytes = _area_bytes(self.outputs, output_bytes)
        described = 64 + sum(32 + 8 * len(slot.most) for slot in (*self.inputs, *self.outputs))
        if described > PACKET_BYTES:
            raise RefusedModelError(
                "isolation", "the interface", expected=f"tensors described in {PACKET_BYTES} bytes", found=str(described)
            )

    def numbered_inputs(self, inputs: Mapping[str, Array]) -> list[tuple[int, Array]]:
        """The inputs by number. Raises ``InvalidInputError`` for one that the area is not made for."""
        numbered: list[tuple[int, Array]] = []
        total = 0
        for name, array in inputs.items():
            number = self._input_numbers.get(name)
            if number is None:
                raise InvalidInputError(name, expected="an input of the interface", found="none of this name")
            slot = self.inputs[number]
            if not slot.accepts(array.dtype, array.shape):
                raise InvalidInputError(name, expected=slot.described(), found=f"{array.dtype} {list(array.shape)}")
            total += aligned(array.nbytes)
            numbered.append((number, array))
        if total > self.input_bytes:
            raise InvalidInputError("", expected=f"at most {self.input_bytes} bytes", found=str(total))
        missing = [slot.name for slot in self.inputs if not slot.optional and slot.name not in inputs]
        if missing:
            raise InvalidInputError(missing[0], expected="a value", found="none")
        return numbered

    def numbered_outputs(self, names: Sequence[str] | None) -> tuple[int, ...]:
        """The numbers of the outputs that are wanted, all for ``None``. Raises ``UnknownOutputError``."""
        if names is None:
            return tuple(range(len(self.outputs)))
        for name in names:
            if name not in self._output_numbers:
                raise UnknownOutputError(name, list(self._output_numbers))
        return tuple(dict.fromkeys(self._output_numbers[name] for name in names))

    def check_answer(self, wanted: Sequence[int], tensors: Sequence[Placed]) -> None:
        """Raise ``ProtocolError`` for other outputs than the wanted ones, ``ModelFailedError`` for one against the interface."""
        if tuple(tensor.index for tensor in tensors) != tuple(wanted):
            raise ProtocolError(f"outputs {[tensor.index for tensor in tensors][:20]} in place of {list(wanted)[:20]}")
        for tensor in tensors:
            slot = self.outputs[tensor.index]
            if not slot.accepts(tensor.dtype, tensor.shape):
                found = f"{tensor.dtype} {list(tensor.shape)}"
                raise ModelFailedError(f"output {slot.name!r} is {found}, where the interface says {slot.described()}")


def _slot(tensor: Tensor, interface: Interface) -> _Slot:
    most = tuple(extent if isinstance(extent, int) else interface.symbols[extent].maximum for extent in tensor.shape)
    fixed = tuple(isinstance(extent, int) for extent in tensor.shape)
    return _Slot(tensor.name, np.dtype(tensor.dtype), most, fixed, tensor.optional)


def _area_bytes(slots: Iterable[_Slot], most: int) -> int:
    """What all tensors together can take, but no more than a call may bring, and a little for where each begins."""
    slots = tuple(slots)
    wanted = sum(aligned(math.prod(slot.most) * slot.dtype.itemsize) for slot in slots)
    return min(wanted, aligned(most) + len(slots) * aligned(1))
