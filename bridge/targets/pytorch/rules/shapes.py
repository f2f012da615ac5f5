"""Operators that move elements, and the sizes that they need: Python's own numbers, read from tensors when the module runs."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.targets.pytorch.expression import Expr, Ref, literal
from bridge.targets.pytorch.members import Member, torch_dtype
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue, Directions, Numbers, Spread, TensorValue, Value

Item = Expr | Ref | Spread


@translates("Shape")
def shape(t: Translation, node: ir.Node) -> Value:
    """Sizes of dimensions."""
    operand = t.tensor(node.inputs[0])
    first = node.attributes["start"].as_int() if "start" in node.attributes else 0
    last = node.attributes["end"].as_int() if "end" in node.attributes else operand.rank
    axes = range(operand.rank)[first:last]
    return Numbers(tuple(Expr(f"{{0:8}}.shape[{axis}]", (operand.expr,)) for axis in axes))


def listed(items: tuple[Item, ...]) -> tuple[str, tuple[Expr | Ref, ...]]:
    """Numbers as the arguments of a call: a template and what fills it."""
    args = tuple(item.expr if isinstance(item, Spread) else item for item in items)
    slots = [f"*{{{k}:8}}" if isinstance(item, Spread) else f"{{{k}}}" for k, item in enumerate(items)]
    return ", ".join(slots), args


def shifted(template: str, by: int) -> str:
    """A template whose slots begin at ``by``."""
    import re

    return re.sub(r"\{(\d+)", lambda match: f"{{{int(match.group(1)) + by}", template)


@translates("Reshape")
def reshape(t: Translation, node: ir.Node) -> Value:
    """Other dimensions; 0 keeps one, -1 is worked out."""
    found = t.value(node.inputs[0])
    if isinstance(found, Directions):
        joined = {"NTDH": "NT(DH)", "TNDH": "TN(DH)"}.get(found.layout)
        wanted = t.integers(node.inputs[1])
        if joined is not None and wanted is not None and wanted[:2] == [0, 0] and len(wanted) == 3:
            return Directions(found.tensors, joined, found.dtype)
    if isinstance(found, Numbers):
        return Numbers(found.items, scalar=t.integers(node.inputs[1]) == [], dtype=found.dtype)
    sizes = t.numbers(node.inputs[1])
    if isinstance(found, ConstantValue) and found.parameter:
        constant = t.integers(node.inputs[1])
        if constant is not None:
            wanted = [found.array.shape[k] if size == 0 else size for k, size in enumerate(constant)]
            step = f"{{0:8}}.reshape({', '.join(map(str, wanted))})"
            return ConstantValue(
                found.array.reshape(wanted), found.name, found.parameter, found.trainable, (*found.steps, step), found.source
            )
    operand = t.tensor(node.inputs[0])
    items = tuple(_kept_size(operand, k, item) for k, item in enumerate(sizes.items))
    rank = _rank_of(items, node)
    flat = _flattening(sizes.items, operand.rank)
    if flat is not None:
        return TensorValue(Expr(flat, (operand.expr,)), operand.dtype, rank)
    template, args = listed(items)
    return TensorValue(Expr(f"{{0:8}}.reshape({shifted(template, 1) or '()'})", (operand.expr, *args)), operand.dtype, rank)


def _kept_size(operand: TensorValue, axis: int, item: Item) -> Item:
    return Expr(f"{{0:8}}.shape[{axis}]", (operand.expr,)) if isinstance(item, Expr) and item.template == "0" else item


def _flattening(items: tuple[Item, ...], rank: int) -> str | None:
    """``flatten(k)`` for a shape that keeps k dimensions and merges the others."""
    texts = [item.template if isinstance(item, Expr) and not item.args else "" for item in items]
    if not texts or texts[-1] != "-1" or any(text != "0" for text in texts[:-1]) or len(texts) > rank:
        return None
    return f"{{0:8}}.flatten({len(texts) - 1 or ''})"


def _rank_of(items: tuple[Item, ...], node: ir.Node) -> int:
    """How many numbers a shape has."""
    if not any(isinstance(item, Spread) for item in items):
        return len(items)
    length = node.inputs[1].shape if node.inputs[1] is not None else None
    if length is not None and isinstance(length[0], int):
        return int(length[0])
    # The target of a shape computed from data: ONNX's own inference knows, or nobody does.
    assert node.outputs[0].shape is not None, f"{node.name}: the rank of the result is not known"
    return len(node.outputs[0].shape)


@translates("Expand")
def expand(t: Translation, node: ir.Node) -> Value:
    """Repeated along dimensions of 1, in both directions as ONNX broadcasts."""
    found, sizes = t.value(node.inputs[0]), t.numbers(node.inputs[1])
    template, args = listed(sizes.items)
    spread = any(isinstance(item, Spread) for item in sizes.items)
    rank = _rank_of(sizes.items, node) if spread else len(sizes.items)
    if isinstance(found, ConstantValue) and found.array.size == 1 and found.rank <= rank and not found.parameter:
        return _filled(t, found.array.item(), found, sizes, rank)
    if isinstance(found, Numbers) and found.single is not None:
        made = f"torch.full(({shifted(template, 1)},), {{0}}, device={{{len(args) + 1}}})"
        return TensorValue(Expr(made, (found.single, *args, t.device())), found.dtype, rank)
    operand = t.tensor(node.inputs[0])
    if operand.rank == 0:
        return TensorValue(Expr(f"{{0:8}}.expand({shifted(template, 1)})", (operand.expr, *args)), operand.dtype, rank)
    if _fits(sizes.items, operand, node):
        return TensorValue(Expr(f"{{0:8}}.expand({shifted(template, 1)})", (operand.expr, *args)), operand.dtype, rank)
    t.shared.snippets.add("expanded")
    made = f"expanded({{0}}, {shifted(template, 1)})"
    return TensorValue(Expr(made, (operand.expr, *args)), operand.dtype, max(rank, operand.rank))


def _fits(items: tuple[Item, ...], operand: TensorValue, node: ir.Node) -> bool:
    """Whether no target size is 1 where the operand's is not: each is the operand's own, or the operand has 1 there."""
    if any(isinstance(item, Spread) for item in items) or len(items) < operand.rank:
        return False
    source = node.inputs[0]
    known = list(source.shape) if source is not None and source.shape is not None else [None] * operand.rank
    for axis, item in enumerate(items[len(items) - operand.rank :]):
        own = Expr(f"{{0:8}}.shape[{axis}]", (operand.expr,))
        if item != own and not (len(known) == operand.rank and known[axis] == 1):
            return False
    return True


def _filled(t: Translation, number: float, found: ConstantValue, sizes: Numbers, rank: int) -> Value:
    """A tensor of one number, of the type of an argument where there is one: it follows when the module changes its type."""
    template, args = listed(sizes.items)
    shown = float(str(np.float32(number))) if found.dtype == np.float32 else number
    comma = "," if len(sizes.items) == 1 else ""
    beside = t.argument_of(found.dtype)
    plain = shown in (0, 1) and found.dtype.kind == "f"
    name = ("zeros" if shown == 0 else "ones") if plain else "full"
    given = template or "()"
    if not plain:
        given = f"({template}{comma}), {{{len(args)}}}"
        args = (*args, literal(shown))
    if beside is not None:
        return TensorValue(Expr(f"{{{len(args)}:8}}.new_{name}({given})", (*args, beside)), found.dtype, rank)
    dtype = "" if found.dtype in (np.float32, np.int64, np.bool_) else f", dtype={torch_dtype(found.dtype)}"
    return TensorValue(Expr(f"torch.{name}({given}{dtype}, device={{{len(args)}}})", (*args, t.device())), found.dtype, rank)


@translates("Unsqueeze")
def unsqueeze(t: Translation, node: ir.Node) -> Value:
    """Dimensions of 1 put in."""
    axes = t.integers(node.inputs[1])
    assert axes is not None
    found = t.value(node.inputs[0])
    if isinstance(found, Numbers) and found.scalar and axes == [0]:
        return Numbers(found.items, dtype=found.dtype)
    if isinstance(found, ConstantValue) and found.parameter:
        array = np.expand_dims(found.array, tuple(axes))
        step = _indexed([axis % array.ndim for axis in axes])
        return ConstantValue(array, found.name, found.parameter, found.trainable, (*found.steps, step), found.source)
    operand = t.tensor(node.inputs[0])
    rank = operand.rank + len(axes)
    return TensorValue(Expr(_indexed([axis % rank for axis in axes]), (operand.expr,)), operand.dtype, rank)


def _indexed(axes: list[int]) -> str:
    """``x[:, None]``, or ``x.unsqueeze(1)`` where that is all."""
    if len(axes) == 1:
        return f"{{0:8}}.unsqueeze({axes[0]})"
    return f"{{0:8}}[{', '.join('None' if axis in axes else ':' for axis in range(max(axes) + 1))}]"


@translates("Squeeze")
def squeeze(t: Translation, node: ir.Node) -> Value:
    """Dimensions of 1 taken out."""
    axes = t.integers(node.inputs[1])
    assert axes is not None
    found = t.value(node.inputs[0])
    if isinstance(found, Numbers):
        if found.single is not None:
            return Numbers(found.items, scalar=True, dtype=found.dtype)
        assert isinstance(found.items[0], Spread)
        return Numbers((Expr("{0:8}[0]", (found.items[0].expr,)),), scalar=True, dtype=found.dtype)
    if isinstance(found, Directions) and axes == [1] and found.layout == "TDNH" and len(found.tensors) == 1:
        return Directions(found.tensors, "TNH", found.dtype)
    if isinstance(found, ConstantValue) and found.parameter:
        shown = ", ".join(map(str, axes))
        step = f"{{0:8}}.squeeze({shown if len(axes) == 1 else f'({shown})'})"
        return ConstantValue(
            np.squeeze(found.array, tuple(axes)), found.name, found.parameter, found.trainable, (*found.steps, step), found.source
        )
    operand = t.tensor(node.inputs[0])
    shown = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
    return TensorValue(Expr(f"{{0:8}}.squeeze({shown})", (operand.expr,)), operand.dtype, operand.rank - len(axes))


@translates("Transpose")
def transpose(t: Translation, node: ir.Node) -> Value:
    """Dimensions in another order."""
    found = t.value(node.inputs[0])
    order = list(node.attributes["perm"].as_ints())
    if isinstance(found, Directions):
        turned = _turned(found, order)
        if turned is not None:
            return turned
    if isinstance(found, ConstantValue) and found.parameter:
        step = "{0:8}.T" if order == [1, 0] else f"{{0:8}}.permute({', '.join(map(str, order))})"
        return ConstantValue(
            np.transpose(found.array, order), found.name, found.parameter, found.trainable, (*found.steps, step), found.source
        )
    operand = t.tensor(node.inputs[0])
    moved = [axis for axis, source in enumerate(order) if axis != source]
    if not moved:
        return operand
    shown = f"transpose({moved[0]}, {moved[1]})" if len(moved) == 2 else f"permute({', '.join(map(str, order))})"
    made = f"{{0:8}}.{shown}"
    return TensorValue(Expr(made, (operand.expr,)), operand.dtype, operand.rank)


def _turned(found: Directions, order: list[int]) -> Value | None:
    """Outputs of recurrent layers in another order; the batch in front is what they are in."""
    if found.layout == "TNH" and order == [1, 0, 2]:
        return TensorValue(found.tensors[0], found.dtype, 3)
    if found.layout in ("TN(DH)", "NT(DH)") and order == [1, 0, 2]:
        return Directions(found.tensors, "NT(DH)" if found.layout == "TN(DH)" else "TN(DH)", found.dtype)
    if found.layout == "TDNH" and order in ([2, 0, 1, 3], [0, 2, 1, 3]):
        return Directions(found.tensors, "NTDH" if order[0] == 2 else "TNDH", found.dtype)
    return None


@translates("Concat")
def concat(t: Translation, node: ir.Node) -> Value:
    """Side by side along an axis; sizes become one list."""
    found = [t.value(value) for value in node.inputs]
    axis = node.attributes["axis"].as_int()
    if any(isinstance(item, Numbers) for item in found) and all(_countable(item) for item in found):
        items = tuple(item for value in node.inputs for item in t.numbers(value).items)
        return Numbers(items)
    tensors = [t.tensor(value) for value in node.inputs]
    if len(tensors) == 1:
        return tensors[0]
    slots = ", ".join(f"{{{k}}}" for k in range(len(tensors)))
    dim = f", dim={axis}" if axis else ""
    return TensorValue(
        Expr(f"torch.cat([{slots}]{dim})", tuple(item.expr for item in tensors)), tensors[0].dtype, tensors[0].rank
    )


def _countable(found: Value) -> bool:
    if isinstance(found, Numbers):
        return True
    return not isinstance(found, Directions) and found.rank == 1 and found.dtype.kind == "i"


@translates("Range")
def positions(t: Translation, node: ir.Node) -> Value:
    """Numbers from a first one, up to a limit, in steps."""
    first, limit, step = (t.numbers(value) for value in node.inputs)
    texts = [number.single for number in (first, limit, step)]
    assert None not in texts
    start, stop, by = texts
    assert start is not None
    assert stop is not None
    assert by is not None
    args: tuple[Expr | Ref, ...] = (start, stop, by)
    if isinstance(by, Expr) and by.template == "1":
        args = (stop,) if isinstance(start, Expr) and start.template == "0" else (start, stop)
    slots = ", ".join(f"{{{k}}}" for k in range(len(args)))
    kind = "" if first.dtype == np.int64 else f", dtype={torch_dtype(first.dtype)}"
    made = Expr(f"torch.arange({slots}{kind}, device={{{len(args)}}})", (*args, t.device()))
    return TensorValue(made, first.dtype, 1)


@translates("EyeLike")
def unit_matrix(t: Translation, node: ir.Node) -> Value:
    """1 on the diagonal, in the operand's sizes."""
    operand = t.tensor(node.inputs[0])
    dtype = np.dtype(ir.DataType(node.attributes["dtype"].as_int()).numpy()) if "dtype" in node.attributes else operand.dtype
    kind = "" if dtype == np.float32 else f", dtype={torch_dtype(dtype)}"
    made = f"torch.eye({{0:8}}.shape[0], {{0:8}}.shape[1]{kind}, device={{0:8}}.device)"
    return TensorValue(Expr(made, (operand.expr,)), dtype, 2)


@translates("Pad")
def pad(t: Translation, node: ir.Node) -> Value:
    """Cells put around, or cut off where an amount is negative."""
    operand, amounts = t.tensor(node.inputs[0]), t.numbers(node.inputs[1])
    mode = node.attributes["mode"].as_string() if "mode" in node.attributes else "constant"
    assert not any(isinstance(item, Spread) for item in amounts.items)
    items = [item for item in amounts.items if not isinstance(item, Spread)]
    before, behind = items[: operand.rank], items[operand.rank :]
    if mode != "constant":
        assert mode == "reflect"
        return _mirrored(t, operand, before, behind)
    pairs = list(zip(before, behind, strict=True))
    while pairs and all(isinstance(item, Expr) and item.template == "0" for item in pairs[0]):
        pairs.pop(0)
    if not pairs:
        return operand
    flat = tuple(item for pair in reversed(pairs) for item in pair)
    slots = ", ".join(f"{{{k + 1}}}" for k in range(len(flat)))
    fill = t.array(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] is not None else np.zeros(())
    assert fill is not None
    value = "" if fill.item() == 0 else f", value={{{len(flat) + 1}}}"
    args = (operand.expr, *flat, *(() if not value else (literal(float(str(fill.item()))),)))
    return TensorValue(Expr(f"F.pad({{0}}, ({slots}){value})", args), operand.dtype, operand.rank)


def _mirrored(t: Translation, operand: TensorValue, before: list[Expr | Ref], behind: list[Expr | Ref]) -> Value:
    """Mirrored cells, axis by axis: PyTorch's own reflection knows the last axes alone."""
    made: Expr | Ref | Member = operand.expr
    t.shared.snippets.add("mirrored")
    for axis, (first, last) in enumerate(zip(before, behind, strict=True)):
        if all(isinstance(item, Expr) and item.template == "0" for item in (first, last)):
            continue
        made = Expr(f"mirrored({{0}}, {axis}, {{1}}, {{2}})", (made, first, last))
    return TensorValue(made, operand.dtype, operand.rank)
