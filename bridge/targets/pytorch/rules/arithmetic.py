"""Element-wise operators: arithmetic, comparison, logic, selection; over tensors, or over numbers that Python knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnx_ir as ir

from bridge.targets.pytorch.expression import ATOM, BITWISE_AND, BITWISE_OR, COMPARISON, PRODUCT, SUM, UNARY, Expr, Ref, literal
from bridge.targets.pytorch.members import Member, torch_dtype
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue, Numbers, Spread, TensorValue, Value

Arg = Ref | Expr | Member

_BINARY: Final = {
    "Add": ("{0:4} + {1:5}", SUM),
    "Sub": ("{0:4} - {1:5}", SUM),
    "Mul": ("{0:5} * {1:6}", PRODUCT),
    "Div": ("{0:5} / {1:6}", PRODUCT),
    "Mod": ("{0:5} % {1:6}", PRODUCT),
    "Pow": ("torch.pow({0}, {1})", ATOM),
    "Less": ("{0:2} < {1:2}", COMPARISON),
    "LessOrEqual": ("{0:2} <= {1:2}", COMPARISON),
    "Greater": ("{0:2} > {1:2}", COMPARISON),
    "GreaterOrEqual": ("{0:2} >= {1:2}", COMPARISON),
    "Equal": ("{0:2} == {1:2}", COMPARISON),
    "And": ("{0:3} & {1:4}", BITWISE_AND),
    "Or": ("{0:2} | {1:3}", BITWISE_OR),
}
_TRUTHS: Final = frozenset({"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "And", "Or"})

_UNARY: Final = {
    "Abs": "torch.abs({0})",
    "Exp": "torch.exp({0})",
    "Log": "torch.log({0})",
    "Sqrt": "torch.sqrt({0})",
    "Floor": "torch.floor({0})",
    "Ceil": "torch.ceil({0})",
    "Sign": "torch.sign({0})",
    "Sin": "torch.sin({0})",
    "Cos": "torch.cos({0})",
    "Tan": "torch.tan({0})",
    "Asin": "torch.asin({0})",
    "Acos": "torch.acos({0})",
    "Atan": "torch.atan({0})",
    "Sinh": "torch.sinh({0})",
    "Cosh": "torch.cosh({0})",
    "Asinh": "torch.asinh({0})",
    "Atanh": "torch.atanh({0})",
    "Tanh": "torch.tanh({0})",
    "Sigmoid": "torch.sigmoid({0})",
    "Relu": "F.relu({0})",
    "Softplus": "F.softplus({0}, threshold=40)",
    "Reciprocal": "torch.reciprocal({0})",
}

_PYTHON: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Max": max,
    "Min": min,
}


def beside(t: Translation, value: ir.Value | None, other: ir.Value | None) -> Arg:
    """An operand as Python writes it: a number where broadcasting against ``other`` does not need its dimensions."""
    found, partner = t.value(value), t.value(other)
    if isinstance(partner, TensorValue):
        if isinstance(found, ConstantValue) and found.array.size == 1 and found.rank <= partner.rank and not found.parameter:
            return literal(found.array.item() if found.array.dtype != np.float32 else _shortest(found.array))
        if isinstance(found, Numbers) and found.single is not None and (found.scalar or partner.rank >= 1):
            return found.single
    return t.as_tensor(found)


def _shortest(array: np.ndarray[Any, Any]) -> float:
    """The shortest decimal that is this float32: PyTorch rounds it back when it meets a float32 tensor."""
    return float(str(np.float32(array.item())))


def _ranks(t: Translation, *values: ir.Value | None) -> int:
    found = [t.value(value) for value in values]
    return max((0 if item.scalar else 1) if isinstance(item, Numbers) else item.rank for item in found)


def _dtype(t: Translation, *values: ir.Value | None) -> np.dtype[Any]:
    return t.value(values[0]).dtype


def _all_numbers(t: Translation, values: tuple[ir.Value | None, ...]) -> bool:
    """Whether sizes and positions alone take part."""
    found = [t.value(value) for value in values]
    if not any(isinstance(item, Numbers) for item in found):
        return False
    return all(
        isinstance(item, Numbers) or (isinstance(item, ConstantValue) and item.rank <= 1 and not item.parameter) for item in found
    )


@translates(*_BINARY)
def binary(t: Translation, node: ir.Node) -> Value:
    """Two operands and an operator of Python's, which PyTorch broadcasts as ONNX does."""
    left, right = node.inputs
    if node.op_type == "Less" and (steps := _real_steps(t, node)) is not None:
        return steps
    if _all_numbers(t, tuple(node.inputs)) and node.op_type not in _TRUTHS and node.op_type != "Pow":
        made = _over_numbers(node.op_type, t.numbers(left), t.numbers(right))
        if made is not None:
            return made
    template, level = _BINARY[node.op_type]
    dtype = np.dtype(np.bool_) if node.op_type in _TRUTHS else _dtype(t, left)
    if node.op_type == "Div" and dtype.kind == "i":
        template, level = 'torch.div({0}, {1}, rounding_mode="trunc")', ATOM
    if node.op_type == "Pow" and (exponent := t.array(right)) is not None and exponent.size == 1 and exponent.item() == 2.0:
        return TensorValue(Expr("torch.square({0})", (t.as_tensor(t.value(left)),)), dtype, _ranks(t, left, right))
    args = (beside(t, left, right), beside(t, right, left))
    return TensorValue(Expr(template, args, level), dtype, _ranks(t, left, right))


def _real_steps(t: Translation, node: ir.Node) -> Value | None:
    """The mask of a padded sequence: positions up to its own size, compared with its lengths."""
    positions, lengths = (value.producer() if value is not None else None for value in node.inputs)
    if positions is None or lengths is None or positions.op_type != "Range" or lengths.op_type != "Unsqueeze":
        return None
    limit = t.numbers(positions.inputs[1]).single
    first, axes = t.array(positions.inputs[0]), t.integers(lengths.inputs[1])
    sized = isinstance(limit, Expr) and limit.template == "{0:8}.shape[1]"
    if not sized or axes != [1] or first is None or first.item() != 0:
        return None
    assert isinstance(limit, Expr)
    t.shared.snippets.add("real_steps")
    made = Expr("real_steps({0}, {1})", (limit.args[0], t.tensor(lengths.inputs[0]).expr))
    return TensorValue(made, np.dtype(np.bool_), 2)


def _over_numbers(operator: str, left: Numbers, right: Numbers) -> Numbers | None:
    """Sizes combined number by number; ``None`` where how many there are is not known."""
    if any(isinstance(item, Spread) for item in (*left.items, *right.items)):
        return None
    count = max(len(left.items), len(right.items))
    if any(len(side.items) not in (1, count) for side in (left, right)):
        return None
    first = left.items * (count if len(left.items) == 1 else 1)
    second = right.items * (count if len(right.items) == 1 else 1)
    dtype = left.dtype
    made = tuple(_number(operator, a, b, dtype) for a, b in zip(first, second, strict=True))
    return Numbers(made, left.scalar and right.scalar, dtype)


def _number(operator: str, a: Any, b: Any, dtype: np.dtype[Any]) -> Expr:
    if not a.args and not b.args and operator in _PYTHON and dtype.kind == "i":
        return literal(_PYTHON[operator](int(a.template), int(b.template)))
    if operator in ("Max", "Min"):
        return Expr(f"{operator.lower()}({{0}}, {{1}})", (a, b))
    if operator == "Div" and dtype.kind == "i":
        return Expr("{0:5} // {1:6}", (a, b), PRODUCT)
    template, level = _BINARY[operator]
    return Expr(template, (a, b), level)


@translates("Max", "Min")
def extreme(t: Translation, node: ir.Node) -> Value:
    """The greater or smaller of all operands; NaN wins."""
    if _all_numbers(t, tuple(node.inputs)):
        found = t.numbers(node.inputs[0])
        for other in node.inputs[1:]:
            made = _over_numbers(node.op_type, found, t.numbers(other))
            if made is None:
                break
            found = made
        else:
            return found
    bound, function = ("min", "maximum") if node.op_type == "Max" else ("max", "minimum")
    rank = _ranks(t, *node.inputs)
    dtype = _dtype(t, *node.inputs)
    if len(node.inputs) == 2:
        for value, other in (node.inputs, reversed(node.inputs)):
            number = _plain_number(t, other, value)
            if number is not None:
                clamped = Expr(f"{{0:8}}.clamp({bound}={{1}})", (t.as_tensor(t.value(value)), number))
                return TensorValue(clamped, dtype, rank)
    made_so_far = t.as_tensor(t.value(node.inputs[0]))
    for other in node.inputs[1:]:
        made_so_far = Expr(f"torch.{function}({{0}}, {{1}})", (made_so_far, t.as_tensor(t.value(other))))
    return TensorValue(made_so_far, dtype, rank)


def _plain_number(t: Translation, value: ir.Value | None, other: ir.Value | None) -> Expr | None:
    """An operand of a tensor ``other`` where it is a number that Python knows."""
    if not isinstance(t.value(other), TensorValue) or isinstance(t.value(value), TensorValue):
        return None
    number = beside(t, value, other)
    return number if isinstance(number, Expr) and not _is_stored(number) else None


def _is_stored(expr: Expr) -> bool:
    """Whether the expression is a tensor that a module holds, rather than a number."""
    return (
        any(isinstance(arg, Member) or (isinstance(arg, Expr) and _is_stored(arg)) for arg in expr.args)
        or "torch." in expr.template
    )


@translates(*_UNARY)
def unary(t: Translation, node: ir.Node) -> Value:
    """A function of one tensor."""
    found = t.value(node.inputs[0])
    if isinstance(found, Numbers) and node.op_type in ("Floor", "Ceil") and found.dtype.kind == "f":
        items = [item for item in found.items if not isinstance(item, Spread)]
        if len(items) == len(found.items):
            name = f"math.{node.op_type.lower()}({{0}})"
            return Numbers(tuple(Expr(name, (item,)) for item in items), found.scalar, found.dtype)
    operand = t.tensor(node.inputs[0])
    if node.op_type == "Reciprocal" and (inner := _logistic(node)) is not None:
        source = t.tensor(inner)
        return TensorValue(Expr("torch.sigmoid({0})", (source.expr,)), source.dtype, source.rank)
    return TensorValue(Expr(_UNARY[node.op_type], (operand.expr,)), operand.dtype, operand.rank)


def _logistic(node: ir.Node) -> ir.Value | None:
    """The x of ``1 / (1 + exp(-x))``, which PyTorch's sigmoid computes with all its tail."""
    value = node.inputs[0]
    for operator in ("Add", "Exp", "Neg"):
        producer = None if value is None else value.producer()
        if producer is None or producer.op_type != operator:
            return None
        if operator == "Add":
            one = producer.inputs[0]
            array = None if one is None or one.const_value is None else one.const_value.numpy()
            if array is None or array.size != 1 or array.item() != 1.0:
                return None
        value = producer.inputs[-1]
    return value


@translates("Neg")
def negative(t: Translation, node: ir.Node) -> Value:
    """The negative, of a tensor or of numbers."""
    found = t.value(node.inputs[0])
    if isinstance(found, Numbers) and not any(isinstance(item, Spread) for item in found.items):
        return Numbers(
            tuple(Expr("-{0:6}", (item,), UNARY) for item in found.items if not isinstance(item, Spread)),
            found.scalar,
            found.dtype,
        )
    operand = t.tensor(node.inputs[0])
    return TensorValue(Expr("-{0:6}", (operand.expr,), UNARY), operand.dtype, operand.rank)


@translates("Not")
def negation(t: Translation, node: ir.Node) -> Value:
    """True where the operand is false."""
    operand = t.tensor(node.inputs[0])
    producer = node.inputs[0].producer() if node.inputs[0] is not None else None
    if producer is not None and producer.op_type == "Equal" and "==" in _BINARY["Equal"][0]:
        left, right = producer.inputs
        if isinstance(t.value(left), TensorValue) or isinstance(t.value(right), TensorValue):
            return TensorValue(
                Expr("{0:2} != {1:2}", (beside(t, left, right), beside(t, right, left)), COMPARISON), operand.dtype, operand.rank
            )
    return TensorValue(Expr("~{0:6}", (operand.expr,), UNARY), operand.dtype, operand.rank)


@translates("Elu")
def elu(t: Translation, node: ir.Node) -> Value:
    """x, or exp(x)-1 below 0."""
    operand = t.tensor(node.inputs[0])
    return TensorValue(Expr("F.elu({0})", (operand.expr,)), operand.dtype, operand.rank)


@translates("Clip")
def clip(t: Translation, node: ir.Node) -> Value:
    """Between two numbers."""
    operand = t.tensor(node.inputs[0])
    bounds = [beside(t, bound, node.inputs[0]) for bound in node.inputs[1:]]
    return TensorValue(Expr("{0:8}.clamp({1}, {2})", (operand.expr, *bounds)), operand.dtype, operand.rank)


@translates("Where")
def where(t: Translation, node: ir.Node) -> Value:
    """One operand or the other, element by element."""
    condition, chosen, other = node.inputs
    if (masked := _masked(t, node)) is not None:
        return masked
    rank = _ranks(t, condition, chosen, other)
    dtype = _dtype(t, chosen)
    tensors = [isinstance(t.value(value), TensorValue) for value in (chosen, other)]
    if any(tensors) or dtype in (np.float32, np.int64):
        args = (_number_or_tensor(t, chosen), _number_or_tensor(t, other))
    else:
        args = (t.as_tensor(t.value(chosen)), _number_or_tensor(t, other))
    return TensorValue(Expr("torch.where({0}, {1}, {2})", (t.as_tensor(t.value(condition)), *args)), dtype, rank)


def _masked(t: Translation, node: ir.Node) -> Value | None:
    """A sequence with a number on its padded steps, where an input's lengths say which they are."""
    condition, chosen, fill = node.inputs
    producer = None if condition is None else condition.producer()
    mask = producer.inputs[0] if producer is not None and producer.op_type == "Unsqueeze" else condition
    less = None if mask is None else mask.producer()
    if less is None or less.op_type != "Less" or _real_steps(t, less) is None:
        return None
    behind = None if less.inputs[1] is None else less.inputs[1].producer()
    found, number = t.value(chosen), t.array(fill)
    if behind is None or behind.op_type != "Unsqueeze" or number is None or number.ndim or not isinstance(found, TensorValue):
        return None
    lengths = t.tensor(behind.inputs[0]).expr
    if lengths not in t.given_lengths or found.rank != t.tensor(condition).rank:
        return None
    t.shared.snippets.add("masked")
    filled = "" if number.item() == 0 else ", {2}"
    args = (found.expr, t.bind(t.mask_of(lengths, found.expr)), _number_or_tensor(t, fill))
    return TensorValue(Expr(f"masked({{0}}, {{1}}{filled})", args[: 2 + bool(filled)]), found.dtype, found.rank)


def _number_or_tensor(t: Translation, value: ir.Value | None) -> Arg:
    """A number where the operand is a single one: PyTorch's ``where`` broadcasts all operands together."""
    found = t.value(value)
    if isinstance(found, ConstantValue) and found.rank == 0 and not found.parameter:
        return literal(_shortest(found.array) if found.array.dtype == np.float32 else found.array.item())
    if isinstance(found, Numbers) and found.scalar and found.single is not None:
        return found.single
    return t.as_tensor(found)


_CASTS: Final = {
    "torch.float32": "{0:8}.float()",
    "torch.float64": "{0:8}.double()",
    "torch.float16": "{0:8}.half()",
    "torch.int64": "{0:8}.long()",
    "torch.int32": "{0:8}.int()",
    "torch.bool": "{0:8}.bool()",
}


@translates("Cast")
def cast(t: Translation, node: ir.Node) -> Value:
    """Another element type."""
    dtype = np.dtype(ir.DataType(node.attributes["to"].as_int()).numpy())
    found = t.value(node.inputs[0])
    if isinstance(found, Numbers) and dtype.kind in "if":
        return Numbers(found.items, found.scalar, dtype)
    operand = t.tensor(node.inputs[0])
    if operand.dtype == dtype:
        return operand
    if dtype == np.int32 and operand.dtype == np.int64:  # PyTorch takes lengths and positions as they are.
        return operand
    beside_it = t.argument_of(dtype)
    if operand.dtype == np.bool_ and beside_it is not None:  # It follows when the module changes its type.
        return TensorValue(Expr("{0:8}.to({1:8}.dtype)", (operand.expr, beside_it)), dtype, operand.rank)
    template = _CASTS.get(torch_dtype(dtype), f"{{0:8}}.to({torch_dtype(dtype)})")
    return TensorValue(Expr(template, (operand.expr,)), dtype, operand.rank)


@translates("Identity")
def identity(t: Translation, node: ir.Node) -> Value:
    """The same value."""
    return t.value(node.inputs[0])
