"""Crop: a window of an image, as large as another one."""

from __future__ import annotations

import onnx_ir as ir

from bridge.errors import InvalidGraphError
from bridge.graph.crop_alignment import crop_offset
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.registry import lowers


@lowers("Crop", onnx="Slice at an offset that is stated, or follows from how both operands came about", structural=True)
def lower_crop(ctx: Lowering, node: Node) -> ir.Value:
    """The part of the first operand's last two axes that has the second one's size."""
    b = ctx.builder
    data, reference = ctx.value(node.inputs[0]), ctx.value(node.inputs[1])
    offset = crop_offset(node, ctx.network, ctx.types)
    rank, wanted = data.type.dynamic_rank + data.type.rank, reference.type.shape[-2:]
    for start, size, available in zip(offset, wanted, data.type.shape[-2:], strict=True):
        if size >= 0 and 0 <= available < start + size:
            raise InvalidGraphError(f"crop to {size} cells from {start} on, of {available} cells", node=node.uid)
    starts = b.integers(*offset)
    if any(size < 0 for size in wanted):
        whole = reference.type.dynamic_rank + reference.type.rank
        ends = b.op("Add", ctx.shape_vector(reference.value, whole - 2, whole), starts)
    else:
        ends = b.integers(*(start + size for start, size in zip(offset, wanted, strict=True)))
    return b.op("Slice", data.value, starts, ends, b.integers(rank - 2, rank - 1))
