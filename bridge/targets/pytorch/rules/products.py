"""Products: linear layers where a parameter is the weight, matrix products otherwise."""

from __future__ import annotations

import onnx_ir as ir

from bridge.targets.pytorch.expression import PRODUCT, Expr
from bridge.targets.pytorch.members import Member
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.rules.owning import bias_behind, constructed, flat, owned, read_once
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue, TensorValue, Value


@translates("MatMul")
def product(t: Translation, node: ir.Node) -> Value:
    """A matrix product, over as many samples as there are."""
    left, right = (t.value(value) for value in node.inputs)
    if isinstance(right, ConstantValue) and right.rank == 2 and not isinstance(left, ConstantValue):
        operand = t.tensor(node.inputs[0])
        layer = _linear(t, node, right)
        if layer is not None:
            return TensorValue(Expr("{0}({1})", (layer, operand.expr)), operand.dtype, operand.rank)
    first, second = t.tensor(node.inputs[0]), t.tensor(node.inputs[1])
    rank = max(first.rank, second.rank) - (first.rank == 1) - (second.rank == 1)
    if first.rank == 1 or second.rank == 1:
        rank = max(first.rank + second.rank - 2, rank) if max(first.rank, second.rank) <= 2 else rank
    return TensorValue(Expr("{0:5} @ {1:6}", (first.expr, second.expr), PRODUCT), first.dtype, rank)


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
