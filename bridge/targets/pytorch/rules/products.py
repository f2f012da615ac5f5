"""Products: linear layers where a parameter is the weight, matrix products otherwise."""

from __future__ import annotations

import onnx_ir as ir

from bridge.targets.pytorch.expression import PRODUCT, Expr
from bridge.targets.pytorch.members import Member
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.rules.owning import bias_behind, constructed, flat, owned, read_once, single_reader
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue, TensorValue, Value


@translates("MatMul")
def product(t: Translation, node: ir.Node) -> Value:
    """A matrix product, over as many samples as there are."""
    left, right = (t.value(value) for value in node.inputs)
    if isinstance(right, ConstantValue) and right.rank == 2 and not isinstance(left, ConstantValue):
        operand = t.tensor(node.inputs[0])
        row = _row_product(t, node, right)
        if row is not None:
            return row
        layer = _linear(t, node, right)
        if layer is not None:
            return TensorValue(Expr("{0}({1})", (layer, operand.expr)), operand.dtype, operand.rank)
    first, second = t.tensor(node.inputs[0]), t.tensor(node.inputs[1])
    rank = max(first.rank, second.rank) - (first.rank == 1) - (second.rank == 1)
    if first.rank == 1 or second.rank == 1:
        rank = max(first.rank + second.rank - 2, rank) if max(first.rank, second.rank) <= 2 else rank
    return TensorValue(Expr("{0:5} @ {1:6}", (first.expr, second.expr), PRODUCT), first.dtype, rank)


def _row_product(t: Translation, node: ir.Node, weight: ConstantValue) -> Value | None:
    """A sample of several axes flattened to one row, and the one row of the product unfolded: a layer over vectors."""
    producer = node.inputs[0].producer() if node.inputs[0] is not None else None
    found = single_reader(node, "Reshape")
    if producer is None or producer.op_type != "Reshape" or found is None or not weight.parameter or not owned(t, weight):
        return None
    rows, back = t.integers(producer.inputs[1]), t.integers(found[0].inputs[1])
    inputs, outputs = weight.array.shape
    if rows is None or back is None or rows[-2:] != [1, inputs] or back != [*rows[:-2], outputs] or any(rows[:-2]):
        return None
    layer = _linear(t, found[0], weight)
    if layer is None:
        return None
    source = t.tensor(producer.inputs[0])
    kept = len(rows) - 2
    flat_source = Expr(f"{{0:8}}.flatten({kept})", (source.expr,)) if source.rank > kept + 1 else source.expr
    t.absorbed.setdefault(found[0], node.outputs[0])
    return TensorValue(Expr("{0}({1})", (layer, flat_source)), source.dtype, kept + 1)


def _linear(t: Translation, node: ir.Node, weight: ConstantValue) -> Member | None:
    """The layer, with the bias that is added behind it."""
    if not weight.parameter or not owned(t, weight):
        return None
    inputs, outputs = weight.array.shape
    arguments: tuple[tuple[str, object], ...] = (("in_features", int(inputs)), ("out_features", int(outputs)))
    found = bias_behind(t, node, outputs, 0) if read_once(t, weight) else None
    if found is None:
        arguments = (*arguments, ("bias", False))
        return constructed(t, "nn.Linear", arguments, {"weight": weight}, "linear", layouts={"weight": weight.array.T})
    add, bias = found
    layer = constructed(
        t,
        "nn.Linear",
        arguments,
        {"weight": weight, "bias": bias},
        "linear",
        layouts={"weight": weight.array.T, "bias": flat(bias.array)},
    )
    t.absorbed[add] = node.outputs[0]
    return layer


@translates("Einsum")
def contraction(t: Translation, node: ir.Node) -> Value:
    """Sums of products, by letters."""
    equation = node.attributes["equation"].as_string()
    operands = [t.tensor(value) for value in node.inputs]
    slots = ", ".join(f"{{{k}}}" for k in range(len(operands)))
    made = Expr(f'torch.einsum("{equation}", {slots})', tuple(operand.expr for operand in operands))
    return TensorValue(made, operands[0].dtype, len(equation.split("->")[1]))
