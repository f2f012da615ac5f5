"""Splice: concatenation along one axis, the other axes broadcast."""

from __future__ import annotations

import onnx_ir as ir

from bridge.graph.inference.shape import splice_axis
from bridge.graph.network import Node
from bridge.graph.types import TensorType
from bridge.lower.lowering import Lowering
from bridge.lower.registry import lowers
from bridge.lower.value import Lowered


@lowers("Splice", onnx="Concat after Unsqueeze and Expand", structural=True)
def lower_splice(ctx: Lowering, node: Node) -> Lowered:
    """Concatenate along one axis; the other axes broadcast, also over dynamic axes that only some operands have."""
    operands = ctx.operands(node)
    result = ctx.type_of(node.outputs[0])
    both = ctx.joined.get((operands[0].value, operands[-1].value)) if len(operands) == 2 else None
    if both is not None and result.rank == 1:
        return ctx.result(node, both, clean=True)
    axis = max(splice_axis(node, max(operand.type.rank for operand in operands)), 0)
    common = _Common(ctx, operands, result, axis)
    parts = [common.part(operand) for operand in operands]
    joined = parts[0] if len(parts) == 1 else ctx.builder.op("Concat", *parts, axis=result.dynamic_rank + axis)
    sequences = [operand for operand in operands if operand.extent is not None]
    clean = len(sequences) == len(operands) and all(operand.clean for operand in sequences)
    return ctx.result(node, joined, clean=clean)


class _Common:
    """What all operands have in common: every dimension of the result but the one along which they are joined."""

    def __init__(self, ctx: Lowering, operands: list[Lowered], result: TensorType, axis: int) -> None:
        self.ctx = ctx
        self.operands = operands
        self.result = result
        self.axis = axis
        self._target: ir.Value | None = None

    def part(self, operand: Lowered) -> ir.Value:
        """One operand in the common size."""
        rank, own = self.result.rank, operand.type
        value = self.ctx.raised(operand, rank, self.result.dynamic_rank)
        shape = (1,) * (rank - own.rank) + own.shape
        wider = any(shape[i] == 1 != self.result.shape[i] for i in range(rank) if i != self.axis)
        if wider or own.dynamic_rank < self.result.dynamic_rank:
            return self.ctx.builder.op("Expand", value, self.target())
        if own.dynamic_rank == 0 and own.rank < rank:
            return self.ctx.builder.op("Unsqueeze", value, self.ctx.builder.integers(*range(rank - own.rank)))
        return value

    def target(self) -> ir.Value:
        """The shape (int64 vector) to expand operands to: 1, which changes nothing, along the axis of the joint."""
        if self._target is None:
            b = self.ctx.builder
            widest = max(self.operands, key=lambda operand: operand.type.dynamic_rank)
            dims = [self.ctx.dynamic_shape(widest)] if widest.type.dynamic_rank else []
            dims += [b.integers(1) if i == self.axis else self._dimension(i) for i in range(self.result.rank)]
            self._target = b.op("Concat", *dims, axis=0)
        return self._target

    def _dimension(self, position: int) -> ir.Value:
        """The size of one dimension of the result, read from an operand where it is known at run time only."""
        size = self.result.shape[position]
        if size >= 0:
            return self.ctx.builder.integers(size)
        for operand in self.operands:
            own = position - (self.result.rank - operand.type.rank)
            if own >= 0 and operand.type.shape[own] < 0:
                place = operand.type.dynamic_rank + own
                return self.ctx.shape_vector(operand.value, place, place + 1)
        raise AssertionError("a free dimension of the result comes from an operand")
