"""ReconcileDynamicAxis: a value brought onto the dynamic axes of another one."""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx_ir as ir

from bridge.graph.inference.elementwise import BINARY
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.registry import lowers
from bridge.lower.value import Extent, Lowered

_BROADCASTING: Final = frozenset(BINARY)


@lowers("ReconcileDynamicAxis", onnx="Expand, or nothing where the reader broadcasts", structural=True)
def lower_reconcile(ctx: Lowering, node: Node) -> Lowered:
    """Repeat a value at every step, or for every sample; relabel one sequence axis as another of the same lengths."""
    operand, like = ctx.operands(node)
    result = ctx.type_of(node.outputs[0])
    if operand.extent is not None and like.extent is not None:
        same = operand.extent is like.extent
        return Lowered(fitted(ctx, operand, like.extent), result, like.extent, operand.clean and same)
    if operand.type.dynamic_rank >= result.dynamic_rank:
        return Lowered(operand.value, result, like.extent)
    value = _unsqueezed(ctx, operand, result.dynamic_rank)
    if not _read_by_broadcasting(ctx, node):
        static = [ctx.shape_vector(value, result.dynamic_rank)] if result.rank else []
        value = ctx.builder.op("Expand", value, ctx.builder.op("Concat", ctx.dynamic_shape(like), *static, axis=0))
    return Lowered(value, result, like.extent)


def _unsqueezed(ctx: Lowering, operand: Lowered, dynamic_rank: int) -> ir.Value:
    """1s for the dynamic dimensions that the operand lacks."""
    return ctx.builder.op("Unsqueeze", operand.value, ctx.builder.integers(*range(operand.type.dynamic_rank, dynamic_rank)))


def _read_by_broadcasting(ctx: Lowering, node: Node) -> bool:
    """Whether every reader is element-wise and gets its full size from another operand, so that 1s will do."""
    output = node.outputs[0]
    readers = ctx.consumers(node)
    if not readers or output in ctx.requested:
        return False
    for reader in readers:
        others = [uid for uid in reader.inputs if uid != output]
        full = [uid for uid in others if _is_full(ctx, uid, output)]
        if reader.op not in _BROADCASTING or not full:
            return False
    return True


def _is_full(ctx: Lowering, uid: str, output: str) -> bool:
    """Whether ``uid`` has all dynamic axes of ``output`` at their full size."""
    producer = ctx.network.producers.get(uid)
    is_reconciled = producer is not None and producer.op == "ReconcileDynamicAxis"
    return not is_reconciled and ctx.type_of(uid).dynamic_rank == ctx.type_of(output).dynamic_rank


def fitted(ctx: Lowering, operand: Lowered, extent: Extent) -> ir.Value:
    """The operand with as many steps as ``extent``.

    Lengths agree, though one may carry more padding than the other; or each of the operand's sequences has a single step, which
    CNTK repeats along the other axis. Repeating the last step does for both: behind the end of a sequence it is mere padding.
    """
    if operand.extent is extent or operand.extent is None:
        return operand.value
    b = ctx.builder
    positions = b.op("Range", b.constant(0, np.int64), b.op("Squeeze", extent.steps, b.integers(0)), b.constant(1, np.int64))
    last = b.op("Sub", operand.extent.steps, b.integers(1))
    return b.op("Gather", operand.value, b.op("Min", positions, last), axis=1)
