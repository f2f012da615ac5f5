"""Convolutions and their transposes."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from bridge.targets.pytorch.expression import Expr, Ref
from bridge.targets.pytorch.members import Member
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.rules.owning import Arguments, bias_behind, constructed, flat, owned, read_once
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue, TensorValue, Value

Arg = Ref | Expr | Member


def attribute(node: ir.Node, name: str, default: Sequence[int]) -> list[int]:
    """A list of integers."""
    return list(node.attributes[name].as_ints()) if name in node.attributes else list(default)


def compact(numbers: Sequence[int]) -> object:
    """One number where all are equal."""
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


def symmetric(pads: Sequence[int]) -> list[int] | None:
    """The padding where it is the same on both sides."""
    half = len(pads) // 2
    return list(pads[:half]) if list(pads[:half]) == list(pads[half:]) else None


def padded(arg: Arg, pads: Sequence[int], value: str = "") -> Expr:
    """Cells around, different before and behind: ONNX lists all befores first, PyTorch pairs from the last axis on."""
    half = len(pads) // 2
    pairs = [amount for axis in reversed(range(half)) for amount in (pads[axis], pads[half + axis])]
    fill = f", value={value}" if value else ""
    return Expr(f"F.pad({{0}}, ({', '.join(map(str, pairs))}){fill})", (arg,))


def optional(arguments: Sequence[tuple[str, object, object]]) -> Arguments:
    """The arguments that differ from their defaults."""
    return tuple((name, value) for name, value, default in arguments if value != default)


def _in_type(kernel: Value, operand: TensorValue) -> Value:
    """Constants of float64 models may be float32; PyTorch wants both operands alike."""
    if isinstance(kernel, ConstantValue) and kernel.dtype != operand.dtype and not kernel.parameter:
        return ConstantValue(kernel.array.astype(operand.dtype), kernel.name)
    return kernel


@translates("Conv")
def convolution(t: Translation, node: ir.Node) -> Value:
    """``nn.Conv1d`` to ``nn.Conv3d``; the function where the weights are no parameter of this layer alone."""
    operand = t.tensor(node.inputs[0])
    kernel = _in_type(t.value(node.inputs[1]), operand)
    count = operand.rank - 2
    ones = [1] * count
    pads = attribute(node, "pads", [0] * (2 * count))
    padding = symmetric(pads)
    source: Arg = operand.expr if padding is not None else t.bind(padded(operand.expr, pads))
    group = node.attributes["group"].as_int() if "group" in node.attributes else 1
    more = optional(
        [
            ("stride", compact(attribute(node, "strides", ones)), 1),
            ("padding", compact(padding or [0] * count), 0),
            ("dilation", compact(attribute(node, "dilations", ones)), 1),
            ("groups", group, 1),
        ]
    )
    if isinstance(kernel, ConstantValue) and kernel.parameter and owned(t, kernel):
        maps, channels, *window = kernel.array.shape
        sizes = (("in_channels", channels * group), ("out_channels", maps), ("kernel_size", compact(window)))
        layer = _with_bias(t, node, f"nn.Conv{count}d", (*sizes, *more), kernel, maps)
        if layer is not None:
            return TensorValue(Expr("{0}({1})", (layer, source)), operand.dtype, operand.rank)
    weight = t.as_tensor(kernel)
    shown = "".join(f", {name}={value}" for name, value in more)
    return TensorValue(Expr(f"F.conv{count}d({{0}}, {{1}}{shown})", (source, weight)), operand.dtype, operand.rank)


def _with_bias(
    t: Translation, node: ir.Node, constructor: str, arguments: Arguments, kernel: ConstantValue, maps: int
) -> Member | None:
    """The layer with the bias added behind it, where there is one."""
    hint = "conv" if constructor.startswith("nn.Conv") and "Transpose" not in constructor else "deconv"
    found = bias_behind(t, node, maps, kernel.rank - 2) if read_once(t, kernel) else None
    if found is None:
        return constructed(t, constructor, (*arguments, ("bias", False)), {"weight": kernel}, hint)
    add, bias = found
    t.absorbed[add] = node.outputs[0]
    return constructed(t, constructor, arguments, {"weight": kernel, "bias": bias}, hint, layouts={"bias": flat(bias.array)})


@translates("ConvTranspose")
def transposed(t: Translation, node: ir.Node) -> Value:
    """``nn.ConvTranspose1d`` to ``3d``; what its padding cannot say is cut off or added behind it."""
    operand = t.tensor(node.inputs[0])
    kernel = _in_type(t.value(node.inputs[1]), operand)
    count = operand.rank - 2
    strides = attribute(node, "strides", [1] * count)
    pads = attribute(node, "pads", [0] * (2 * count))
    extra = attribute(node, "output_padding", [0] * count)
    padding = symmetric(pads)
    group = node.attributes["group"].as_int() if "group" in node.attributes else 1
    direct = padding is not None
    more = optional(
        [
            ("stride", compact(strides), 1),
            ("padding", compact(padding if padding is not None else [0] * count), 0),
            ("output_padding", compact(extra if direct else [0] * count), 0),
            ("groups", group, 1),
        ]
    )
    made: Expr | None = None
    if isinstance(kernel, ConstantValue) and kernel.parameter and owned(t, kernel):
        channels, maps, *window = kernel.array.shape
        sizes = (("in_channels", channels), ("out_channels", maps * group), ("kernel_size", compact(window)))
        constructor = f"nn.ConvTranspose{count}d"
        if direct:
            layer = _with_bias(t, node, constructor, (*sizes, *more), kernel, maps * group)
        else:
            layer = constructed(t, constructor, (*sizes, *more, ("bias", False)), {"weight": kernel}, "deconv")
        made = None if layer is None else Expr("{0}({1})", (layer, operand.expr))
    if made is None:
        shown = "".join(f", {name}={value}" for name, value in more)
        made = Expr(f"F.conv_transpose{count}d({{0}}, {{1}}{shown})", (operand.expr, t.as_tensor(kernel)))
    if not direct:
        cut = [-amount for amount in pads[:count]] + [more - amount for amount, more in zip(pads[count:], extra, strict=True)]
        made = padded(made, cut)
    return TensorValue(made, operand.dtype, operand.rank)
