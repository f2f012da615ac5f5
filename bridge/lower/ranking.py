"""Metrics of ranked documents: a sample is a document, and the documents of one query stand together, the best first.

CNTK sorts the documents of each query by score. Here every document is compared with every other of the batch, which says how
many come before it: the same ranks without a loop.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.graph.network import Node
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.value import Lowered


@lowers("LambdaRank", onnx="ranks by comparing all pairs of the batch, then sums per query")
def lower_lambda_rank(ctx: Lowering, node: Node) -> ir.Value:
    """What is missing to the ideal order: 1 - mean over queries of DCG / ideal DCG, times 100, times the number of documents."""
    documents = _Documents(ctx, node)
    b = ctx.builder
    shares = documents.shares(documents.discounted(documents.rank), documents.discounted(documents.place))
    return documents.reported(b.op("Sub", b.constant(1.0, np.float64), shares))


@lowers("NDCG", onnx="ranks by comparing all pairs of the batch, then the first of each query")
def lower_ndcg(ctx: Lowering, node: Node) -> ir.Value:
    """Gain of the document ranked first over that of the best: mean over queries, times 100, times the number of documents."""
    documents = _Documents(ctx, node)
    b, zero = ctx.builder, ctx.builder.constant(0.0, np.float64)
    found, ideal = (
        b.op("Where", b.op("Equal", order, zero), documents.gain, zero) for order in (documents.rank, documents.place)
    )
    return documents.reported(documents.shares(found, ideal))


class _Documents:
    """The documents of a batch, float64 ``[N]`` each: gain, and within a query the rank by score and the place, from 0."""

    def __init__(self, ctx: Lowering, node: Node) -> None:
        self._ctx = ctx
        self._b = b = ctx.builder
        self._data_type = ctx.type_of(node.outputs[0]).data_type
        score, gain, query = (self._column(ctx.value(uid)) for uid in node.inputs)
        self.gain = gain
        self._same = self._same_query(query)
        positions = b.op("Range", b.constant(0, np.int64), self._size(gain), b.constant(1, np.int64))
        sooner = self._pairs("Less", positions)
        # Of equal scores the lower gain comes first: CNTK assumes the worst order.
        worse = b.op("Or", self._pairs("Less", gain), b.op("And", self._pairs("Equal", gain), sooner))
        ahead = b.op("Or", self._pairs("Greater", score), b.op("And", self._pairs("Equal", score), worse))
        self.rank = self._counted(b.op("And", self._same, ahead))
        self.place = self._counted(b.op("And", self._same, sooner))

    def discounted(self, order: ir.Value) -> ir.Value:
        """Each gain divided by the logarithm of its place, counted from 2."""
        b = self._b
        return b.op("Div", self.gain, b.op("Log", b.op("Add", order, b.constant(2.0, np.float64))))

    def shares(self, found: ir.Value, ideal: ir.Value) -> ir.Value:
        """Per query the sum of ``found`` over the sum of ``ideal`` (0 where that is 0), averaged over queries: a scalar."""
        b, zero, one = self._b, self._b.constant(0.0, np.float64), self._b.constant(1.0, np.float64)
        best = self._over_query(ideal)
        empty = b.op("Equal", best, zero)
        share = b.op("Where", empty, zero, b.op("Div", self._over_query(found), b.op("Where", empty, one, best)))
        # The first document of each query speaks for it.
        speaks = b.op("Cast", b.op("Equal", self.place, zero), to=int(ir.DataType.DOUBLE))
        return b.op("Div", self._sum(b.op("Mul", share, speaks)), self._sum(speaks))

    def reported(self, mean: ir.Value) -> ir.Value:
        """A mean over queries as CNTK reports it: in percent, times the number of documents."""
        b = self._b
        size = b.op("Cast", self._size(self.gain), to=int(ir.DataType.DOUBLE))
        value = b.op("Mul", b.op("Mul", mean, b.constant(100.0, np.float64)), size)
        return b.op("Cast", value, to=int(ONNX_TYPES[self._data_type]))

    def _column(self, operand: Lowered) -> ir.Value:
        if operand.type.dynamic_rank != 1 or any(dim != 1 for dim in operand.type.shape):
            raise Refuse(f"ranks by {operand.type}; expected one number per sample of a batch without sequences")
        wide = self._b.op("Cast", operand.value, to=int(ir.DataType.DOUBLE))
        return self._b.op("Reshape", wide, self._b.integers(-1))

    def _size(self, column: ir.Value) -> ir.Value:
        return self._b.op("Squeeze", self._b.op("Shape", column), self._b.integers(0))

    def _sum(self, column: ir.Value) -> ir.Value:
        return self._b.op("ReduceSum", column, keepdims=0)

    def _same_query(self, query: ir.Value) -> ir.Value:
        """As bool ``[N, N]``: whether two documents belong to one query, a run of equal numbers (rounded towards 0)."""
        b = self._b
        number = b.op("Cast", query, to=int(ir.DataType.INT64))
        before = b.op("Slice", b.op("Concat", b.integers(-1), number, axis=0), b.integers(0), b.integers(-1))
        starts = b.op("Cast", b.op("Not", b.op("Equal", number, before)), to=int(ir.DataType.INT64))
        return self._pairs("Equal", b.op("CumSum", starts, b.constant(0, np.int64)))

    def _pairs(self, comparison: str, column: ir.Value) -> ir.Value:
        """As bool ``[N, N]``: how document j (across) compares with document i (down)."""
        b = self._b
        return b.op(comparison, b.op("Unsqueeze", column, b.integers(0)), b.op("Unsqueeze", column, b.integers(1)))

    def _counted(self, pairs: ir.Value) -> ir.Value:
        """float64 ``[N]``: for how many j a pair holds."""
        wide = self._b.op("Cast", pairs, to=int(ir.DataType.DOUBLE))
        return self._b.op("ReduceSum", wide, self._b.integers(1), keepdims=0)

    def _over_query(self, column: ir.Value) -> ir.Value:
        """float64 ``[N]``: for each document, the sum over all documents of its query."""
        b = self._b
        return b.op("MatMul", b.op("Cast", self._same, to=int(ir.DataType.DOUBLE)), column)
