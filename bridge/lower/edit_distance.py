"""The edit distance between sequences of classes, by a Scan over the diagonals of the table of distances.

Cell (i, j) of that table holds what it costs to turn the first i predictions into the first j labels. The cells of a diagonal
i + j = d depend on the two diagonals before it alone, so a step of the Scan computes a whole diagonal for the whole batch. Steps
that do not count (padding, repetitions, classes to ignore) get a row or column that copies its neighbour: nothing is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.network import Node
from bridge.lower.builder import OPSET, Builder
from bridge.lower.criteria import sample_count
from bridge.lower.flattening import flattened
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.softmax import first_maximum
from bridge.lower.value import Lowered


@lowers("EditDistanceError", onnx="ArgMax, and a Scan over the diagonals of the table of distances")
def lower_edit_distance(ctx: Lowering, node: Node) -> ir.Value:
    """Insertions, deletions and substitutions on the cheapest way, times the steps, divided by the labels that count."""
    b, operands = ctx.builder, [flattened(ctx, operand) for operand in ctx.operands(node)]
    prediction, label = operands
    if len(prediction.type.axes) != len(label.type.axes) or not label.type.axes:
        raise Refuse(
            f"compares {prediction.type} with {label.type}; expected two sequences on the same axis, or of the same lengths",
            "give both inputs dynamic axes of one kind, and save the model again",
        )
    rows, columns = _tokens(ctx, node, prediction), _tokens(ctx, node, label)
    operations = b.op("ReduceSum", _Table(b, rows, columns, _Penalties.of(node)).operations(), keepdims=0)
    steps = b.op("Cast", sample_count(ctx, label), to=int(ir.DataType.FLOAT))
    labels = b.op("ReduceSum", b.op("Cast", columns.counts, to=int(ir.DataType.FLOAT)), keepdims=0)
    rate = b.op("Div", b.op("Mul", operations, steps), labels)
    return b.op("Cast", rate, to=int(ONNX_TYPES[ctx.type_of(node.outputs[0]).data_type]))


@dataclass(frozen=True, slots=True)
class _Penalties:
    substitution: float
    deletion: float
    insertion: float

    @staticmethod
    def of(node: Node) -> _Penalties:
        return _Penalties(
            attributes.number(node, "SubstitutionPenalty"),
            attributes.number(node, "DeletionPenalty"),
            attributes.number(node, "InsertionPenalty"),
        )


@dataclass(frozen=True, slots=True)
class _Tokens:
    """``classes``: int64 ``[N, T]``. ``counts``: bool ``[N, T]``, whether a step takes part."""

    classes: ir.Value
    counts: ir.Value


def _tokens(ctx: Lowering, node: Node, flat: Lowered) -> _Tokens:
    """The class of each step, and whether the step counts. A batch without sequences is one of sequences of one step."""
    b, classes = ctx.builder, first_maximum(ctx, flat)
    if flat.extent is None:
        classes = b.op("Unsqueeze", classes, b.integers(1))
        counts = b.op("GreaterOrEqual", classes, b.constant(0, np.int64))
    else:
        counts = ctx.mask(flat.extent)
    if attributes.flag(node, "SquashInputs", default=False):
        first = b.op("Slice", b.op("Shape", classes), b.integers(0), b.integers(1))
        none = b.op("Expand", b.constant(-1, np.int64), b.op("Concat", first, b.integers(1), axis=0))
        before = b.op("Slice", b.op("Concat", none, classes, axis=1), b.integers(0), b.integers(-1), b.integers(1))
        counts = b.op("And", counts, b.op("Not", b.op("Equal", classes, before)))
    for ignored in attributes.integers(node, "TokensToIgnore", ()):
        counts = b.op("And", counts, b.op("Not", b.op("Equal", classes, b.constant(ignored, np.int64))))
    return _Tokens(classes, counts)


@dataclass(frozen=True, slots=True)
class _Cells:
    """One diagonal, indexed by i: what reaching a cell costs, and in how many operations. float32 ``[N, T+1]`` both."""

    cost: ir.Value
    operations: ir.Value


class _Table:
    """The table of distances of a batch, its rows and columns counted from 1: row and column 0 stand for nothing."""

    def __init__(self, builder: Builder, rows: _Tokens, columns: _Tokens, penalties: _Penalties) -> None:
        self.outer = builder
        self.penalties = penalties
        b = builder
        self.last, self.last_column = (
            b.op("Squeeze", b.op("Shape", tokens.classes, start=1, end=2), b.integers(0)) for tokens in (rows, columns)
        )
        self.zero, self.one = b.constant(0, np.int64), b.constant(1, np.int64)
        self.places = b.op("Range", self.zero, b.op("Add", self.last, self.one), self.one)
        self.neighbours = b.op("Max", b.op("Sub", self.places, self.one), self.zero)
        self.row_class, self.row_counts, self.row_number = self._margined(rows)
        self.column_class, self.column_counts, self.column_number = self._margined(columns)

    def operations(self) -> ir.Value:
        """``[N]``: the number of operations in the last cell of each sequence."""
        b = self.outer
        nothing = b.op("Mul", self.row_number, b.constant(0, np.float32))
        diagonals = b.op("Range", self.zero, b.op("Add", b.op("Add", self.last, self.last_column), self.one), self.one)
        made = b.ops("Scan", 4, nothing, nothing, nothing, nothing, diagonals, body=self._body(), num_scan_inputs=1)
        return b.op("Gather", made[1], self.last, axis=1)

    def _margined(self, tokens: _Tokens) -> tuple[ir.Value, ir.Value, ir.Value]:
        """Classes, whether they count, and how many count up to there, each with a place 0 in front of the first step."""
        b = self.outer
        margin = b.integers(0, 1, 0, 0)
        classes = b.op("Pad", tokens.classes, margin, b.constant(-1, np.int64))
        counts = b.op("Pad", b.op("Cast", tokens.counts, to=int(ir.DataType.FLOAT)), margin, b.constant(0, np.float32))
        return classes, b.op("Greater", counts, b.constant(0, np.float32)), b.op("CumSum", counts, self.one)

    def _body(self) -> ir.Graph:
        """One diagonal from the two before it. States: the last diagonal, the one before it; scanned: the diagonal's number."""
        b = Builder(self.outer.constants, self.outer.names)
        b.scope = f"{self.outer.scope}/diagonal"
        states = [self._declared(b, ir.DataType.FLOAT) for _ in range(4)]
        number = self._declared(b, ir.DataType.INT64)
        before, earlier = _Cells(*states[:2]), _Cells(*states[2:])
        column = b.op("Sub", number, self.places)
        made = self._diagonal(b, column, before, earlier)
        results = [made.cost, made.operations, before.cost, before.operations]
        outputs = [b.op("Identity", value) for value in results]
        return ir.Graph([*states, number], outputs, nodes=b.nodes, opset_imports={"": OPSET}, name=b.scope)

    @staticmethod
    def _declared(b: Builder, dtype: ir.DataType) -> ir.Value:
        return ir.Value(name=b.names.unique(f"{b.scope}/in"), type=ir.TensorType(dtype))

    def _diagonal(self, b: Builder, column: ir.Value, left: _Cells, earlier: _Cells) -> _Cells:
        """The cells of a diagonal in the columns ``column``, int64 ``[T+1]``: out of range where the table has no such cell."""
        near = b.op("Max", b.op("Min", column, self.last_column), self.zero)
        classes, counts, number = (
            b.op("Gather", value, near, axis=1) for value in (self.column_class, self.column_counts, self.column_number)
        )
        above, diagonal = (
            _Cells(*(b.op("Gather", v, self.neighbours, axis=1) for v in (c.cost, c.operations))) for c in (left, earlier)
        )
        kept = _chosen(b, b.op("Equal", self.row_class, classes), diagonal, self._edited(b, above, left, diagonal))
        inner = _chosen(b, self.row_counts, _chosen(b, counts, kept, left), above)
        top = _Cells(b.op("Mul", number, b.constant(self.penalties.insertion, np.float32)), number)
        side = _Cells(b.op("Mul", self.row_number, b.constant(self.penalties.deletion, np.float32)), self.row_number)
        margin = _chosen(b, b.op("Equal", self.places, self.zero), top, side)
        outside = b.op("Or", b.op("Equal", self.places, self.zero), b.op("Equal", column, self.zero))
        return _chosen(b, outside, margin, inner)

    def _edited(self, b: Builder, above: _Cells, left: _Cells, diagonal: _Cells) -> _Cells:
        """The cheapest operation: a substitution before a deletion and that before an insertion only if it is cheaper."""
        p = self.penalties
        deleted, inserted, replaced = (
            _Cells(b.op("Add", cells.cost, b.constant(penalty, np.float32)), cells.operations)
            for cells, penalty in ((above, p.deletion), (left, p.insertion), (diagonal, p.substitution))
        )
        replaces = b.op("And", *(b.op("LessOrEqual", replaced.cost, other.cost) for other in (deleted, inserted)))
        moved = _chosen(b, b.op("Less", deleted.cost, inserted.cost), deleted, inserted)
        cheapest = _chosen(b, replaces, replaced, moved)
        return _Cells(cheapest.cost, b.op("Add", cheapest.operations, b.constant(1, np.float32)))


def _chosen(b: Builder, condition: ir.Value, chosen: _Cells, other: _Cells) -> _Cells:
    pairs: Sequence[tuple[ir.Value, ir.Value]] = ((chosen.cost, other.cost), (chosen.operations, other.operations))
    return _Cells(*(b.op("Where", condition, *pair) for pair in pairs))
