"""What a node makes: each of its results, as far as it follows from what it reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from bridge.runtime.admission.element_types import ELEMENT_TYPES
from bridge.runtime.admission.extents.contents import content_of
from bridge.runtime.admission.extents.known import MOST_CONTENT, UNKNOWN, Known, of_content
from bridge.runtime.admission.extents.shapes import shape_of, width_of
from bridge.runtime.admission.extents.windows import WINDOWED, window_shape
from bridge.runtime.admission.model import Node, Tensor

_CELLS: Final = frozenset({"GRU", "LSTM", "RNN"})
_INDEX_BYTES: Final = 8


def results_of(node: Node, inputs: Sequence[Known | None]) -> list[Known]:
    """The results of a node without bodies, in order."""
    if node.operator == "Shape" and inputs and inputs[0] is not None:
        return [_shape_as_content(node, inputs[0])]
    if node.operator == "Constant" and (value := node.attribute("value")) is not None and value.tensors:
        return [constant(value.tensors[0])]
    if node.operator in _CELLS:
        return _cell(node, inputs)
    content = content_of(node, inputs)
    if content is not None:
        return [of_content(content)]
    shape = window_shape(node, inputs) if node.operator in WINDOWED else shape_of(node, inputs)
    first = Known(shape, width_of(node, inputs))
    # What TopK and MaxPool chose, as indices.
    return [first, *(Known(shape, _INDEX_BYTES) for _ in node.outputs[1:])]


def constant(tensor: Tensor) -> Known:
    """What is known of an initializer: all of it where it is small and in the file."""
    known = ELEMENT_TYPES.get(tensor.data_type)
    if known is None or any(extent < 0 for extent in tensor.dims):
        return UNKNOWN
    elements = math.prod(tensor.dims)
    if elements <= MOST_CONTENT and tensor.raw is not None and len(tensor.raw) == elements * known.itemsize:
        content = np.frombuffer(tensor.raw, known.newbyteorder("<")).astype(known)
        return of_content(content.reshape(tensor.dims))
    return Known(tensor.dims, known.itemsize)


def _cell(node: Node, inputs: Sequence[Known | None]) -> list[Known]:
    """A recurrent cell: all steps, the last one, and for LSTM the last memory."""
    data, weights, recurrent = (*inputs[:3], None, None, None)[:3]
    stated = node.attribute("hidden_size")
    if data is None or weights is None or recurrent is None or data.shape is None or len(data.shape) != 3:
        return [UNKNOWN] * len(node.outputs)
    steps, batch, _ = data.shape
    last = (weights.axis(0), batch, recurrent.axis(2) if stated is None else stated.integer)
    return [Known((steps, last[0], *last[1:]), data.width), *(Known(last, data.width) for _ in node.outputs[1:])]


def _shape_as_content(node: Node, value: Known) -> Known:
    start, end = node.attribute("start"), node.attribute("end")
    if value.shape is None:
        return Known((None,), 8)
    part = value.shape[start.integer if start is not None else None : end.integer if end is not None else None]
    known = [extent for extent in part if extent is not None]
    fitting = len(known) == len(part) and all(extent < 1 << 63 for extent in known)
    return of_content(np.array(known, np.int64)) if fitting else Known((len(part),), 8)
