"""What the signed interface says about tensors: how large the areas for them are, and by which numbers both sides call them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bridge.errors import RefusedModelError
from bridge.package.interface import Interface, Tensor
from bridge.runtime.isolation.frames import PACKET_BYTES, Placed, ProtocolError
from bridge.runtime.isolation.shared_memory import Array, aligned


class Layout:
    """An interface as workers and their parent need it: ``inputs`` and ``outputs`` by number, sizes of areas in bytes.

    With ``features`` there is one more output, whose extents no interface states: ``features`` is its number.
    Raises ``RefusedModelError`` for an interface whose tensors could not be described in one packet.
    """

    def __init__(self, interface: Interface, *, input_bytes: int, output_bytes: int, features: bool = False) -> None:
        self.inputs = tuple(tensor.name for tensor in interface.inputs)
        self.outputs = tuple(tensor.name for tensor in interface.outputs)
        self._input_numbers = {name: number for number, name in enumerate(self.inputs)}
        self._output_numbers = {name: number for number, name in enumerate(self.outputs)}
        self.input_bytes = _area_bytes(interface.inputs, interface, input_bytes)
        self.output_bytes = aligned(output_bytes) if features else _area_bytes(interface.outputs, interface, output_bytes)
        self.features = len(self.outputs)
        described = 64 + sum(32 + 8 * len(tensor.shape) for tensor in (*interface.inputs, *interface.outputs))
        if described > PACKET_BYTES:
            raise RefusedModelError(
                "isolation", "the interface", expected=f"tensors described in {PACKET_BYTES} bytes", found=str(described)
            )

    def numbered_inputs(self, feeds: Mapping[str, Array]) -> list[tuple[int, Array]]:
        """Inputs that the contract has accepted, by number."""
        return [(self._input_numbers[name], array) for name, array in feeds.items()]

    def numbered_outputs(self, names: Sequence[str]) -> tuple[int, ...]:
        """The numbers of outputs that the contract knows."""
        return tuple(self._output_numbers[name] for name in names)


def refuse_other_outputs(wanted: Sequence[int], tensors: Sequence[Placed]) -> None:
    """Raise ``ProtocolError`` for anything but the wanted outputs, each once, in the order in which they were asked for."""
    found = [tensor.index for tensor in tensors]
    if found != list(wanted):
        raise ProtocolError(f"the outputs {found[:20]}, in place of {list(wanted)[:20]}")


def _area_bytes(tensors: Sequence[Tensor], interface: Interface, most: int) -> int:
    """What all tensors together can take, but no more than a call may bring, and a little for where each begins."""
    wanted = 0
    for tensor in tensors:
        extents = (extent if isinstance(extent, int) else interface.symbols[extent].maximum for extent in tensor.shape)
        wanted += aligned(math.prod(extents) * np.dtype(tensor.dtype).itemsize)
    return min(wanted, aligned(most) + len(tensors) * aligned(1))
