"""The first run, before anybody waits for it: engines make plans and take memory then."""

from __future__ import annotations

import numpy as np

from bridge.package.interface import Interface, Tensor
from bridge.runtime.served import Array


def smallest_inputs(interface: Interface) -> dict[str, Array]:
    """Inputs that the interface admits, of the smallest extents: 0, or what comes closest to it in the range of each."""
    return {tensor.name: _smallest(tensor, interface) for tensor in interface.inputs}


def _smallest(tensor: Tensor, interface: Interface) -> Array:
    symbols = interface.symbols
    shape = [extent if isinstance(extent, int) else max(1, symbols[extent].minimum) for extent in tensor.shape]
    if tensor.lengths_of:
        value: float = max(1, symbols[tensor.lengths_of].minimum)
    else:
        least = tensor.minimum if tensor.minimum is not None else -np.inf
        value = min(max(0.0, least), tensor.maximum if tensor.maximum is not None else np.inf)
    return np.full(shape, value, tensor.dtype)
