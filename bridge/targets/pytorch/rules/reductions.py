"""Reductions, positions of extremes, cumulative sums, the greatest k."""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx_ir as ir

from bridge.targets.pytorch.expression import Expr
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import Numbers, Spread, TensorValue, Value

_REDUCTIONS: Final = {
    "ReduceSum": "{0:8}.sum(%s)",
    "ReduceMean": "{0:8}.mean(%s)",
    "ReduceMax": "{0:8}.amax(%s)",
    "ReduceMin": "{0:8}.amin(%s)",
    "ReduceL2": "torch.linalg.vector_norm({0}, %s)",
    "ReduceLogSumExp": "torch.logsumexp({0}, %s)",
}


@translates(*_REDUCTIONS, "ReduceProd")
def reduction(t: Translation, node: ir.Node) -> Value:
    """One number per group of elements."""
    keep = node.attributes["keepdims"].as_int() if "keepdims" in node.attributes else 1
    found = t.value(node.inputs[0])
    if node.op_type == "ReduceProd" and isinstance(found, Numbers):
        items = tuple(Expr("*{0:8}", (item.expr,)) if isinstance(item, Spread) else item for item in found.items)
        if len(items) == 1 and isinstance(found.items[0], Spread):
            return Numbers((Expr("math.prod({0})", (found.items[0].expr,)),), scalar=not keep)
        slots = ", ".join(f"{{{k}}}" for k in range(len(items)))
        return Numbers((Expr(f"math.prod([{slots}])", items),), scalar=not keep)
    operand = t.tensor(node.inputs[0])
    axes = _axes(t, node)
    rank = operand.rank if keep else operand.rank - (len(axes) if axes is not None else operand.rank)
    wanted = list(range(operand.rank)) if axes is None else axes
    if not wanted:  # No axes at all: every element is a group of its own.
        return operand
    if node.op_type == "ReduceProd":
        made: Expr = Expr("{0}", (operand.expr,))
        for axis in sorted((axis % operand.rank for axis in wanted), reverse=True):
            made = Expr(f"{{0:8}}.prod({axis}{', keepdim=True' if keep else ''})", (made,))
        return TensorValue(made, operand.dtype, rank)
    shown = str(wanted[0]) if len(wanted) == 1 else f"({', '.join(map(str, wanted))})"
    if len(wanted) == operand.rank and not keep and node.op_type in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"):
        shown = ""
    if "torch." in _REDUCTIONS[node.op_type]:
        shown = f"dim={shown}"
    arguments = shown + (", keepdim=True" if keep else "")
    return TensorValue(Expr(_REDUCTIONS[node.op_type] % arguments, (operand.expr,)), operand.dtype, rank)


def _axes(t: Translation, node: ir.Node) -> list[int] | None:
    if "axes" in node.attributes:
        return list(node.attributes["axes"].as_ints())
    return t.integers(node.inputs[1]) if len(node.inputs) > 1 and node.inputs[1] is not None else None


@translates("ArgMax", "ArgMin")
def position(t: Translation, node: ir.Node) -> Value:
    """The position of the first extreme along an axis."""
    operand = t.tensor(node.inputs[0])
    axis, keep = node.attributes["axis"].as_int(), node.attributes["keepdims"].as_int()
    function = node.op_type.lower()
    made = Expr(f"{{0:8}}.{function}({axis}{', keepdim=True' if keep else ''})", (operand.expr,))
    return TensorValue(made, np.dtype(np.int64), operand.rank if keep else operand.rank - 1)


@translates("Hardmax")
def hardmax(t: Translation, node: ir.Node) -> Value:
    """1 at the first maximum, else 0."""
    operand = t.tensor(node.inputs[0])
    axis = node.attributes["axis"].as_int()
    assert axis in (-1, operand.rank - 1)
    made = Expr("F.one_hot({0:8}.argmax(-1), {0:8}.shape[-1]).to({0:8}.dtype)", (operand.expr,))
    return TensorValue(made, operand.dtype, operand.rank)


@translates("CumSum")
def cumulative(t: Translation, node: ir.Node) -> Value:
    """Sums of everything before, the element itself included unless exclusive."""
    operand, axes = t.tensor(node.inputs[0]), t.integers(node.inputs[1])
    assert axes is not None
    reverse = "reverse" in node.attributes and node.attributes["reverse"].as_int()
    exclusive = "exclusive" in node.attributes and node.attributes["exclusive"].as_int()
    template = f"{{0:8}}.cumsum({axes[0]})"
    if reverse:
        template = f"{{0:8}}.flip({axes[0]}).cumsum({axes[0]}).flip({axes[0]})"
    made = Expr(template, (operand.expr,))
    if exclusive:
        made = Expr("{0:4} - {1:5}", (made, operand.expr), 4)
    return TensorValue(made, operand.dtype, operand.rank)


@translates("TopK")
def greatest(t: Translation, node: ir.Node) -> tuple[Value, ...]:
    """The k greatest along an axis, and where they are."""
    operand, count = t.tensor(node.inputs[0]), t.numbers(node.inputs[1])
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else -1
    largest = node.attributes["largest"].as_int() if "largest" in node.attributes else 1
    assert count.single is not None
    # A stable sort, because ``topk`` leaves open which of two equal numbers comes first.
    descending = ", descending=True" if largest else ""
    values, indices = t.bind_many(Expr(f"{{0:8}}.sort(dim={axis}{descending}, stable=True)", (operand.expr,)), 2)
    positions = node.outputs[1].uses() if len(node.outputs) > 1 else ()
    cut = f"{{0:8}}.narrow({axis}, 0, {{1}})"
    first = TensorValue(Expr(cut, (values, count.single)), operand.dtype, operand.rank)
    if not positions and not (len(node.outputs) > 1 and node.outputs[1].is_graph_output()):
        return (first,)
    return first, TensorValue(Expr(cut, (indices, count.single)), np.dtype(np.int64), operand.rank)
