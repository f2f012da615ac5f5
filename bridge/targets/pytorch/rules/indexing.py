"""Elements by number: slices, gathers and scatters."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.targets.pytorch.expression import Expr, Ref
from bridge.targets.pytorch.members import Member
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.rules.owning import constructed, owned
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue, Directions, Numbers, Spread, TensorValue, Value

_END = np.iinfo(np.int64).max // 2


@translates("Slice")
def cut(t: Translation, node: ir.Node) -> Value:
    """Ranges along axes; a negative step walks backwards."""
    found = t.value(node.inputs[0])
    starts, ends = (t.numbers(value) for value in node.inputs[1:3])
    axes = t.integers(node.inputs[3]) if len(node.inputs) > 3 and node.inputs[3] is not None else None
    steps = t.integers(node.inputs[4]) if len(node.inputs) > 4 and node.inputs[4] is not None else None
    axes = list(range(len(starts.items))) if axes is None else axes
    steps = [1] * len(axes) if steps is None else steps
    if isinstance(found, Numbers) and steps == [1] and not any(isinstance(item, Spread) for item in found.items):
        first, last = t.integers(node.inputs[1]), t.integers(node.inputs[2])
        if first is not None and last is not None:
            return Numbers(found.items[first[0] : last[0]], dtype=found.dtype)
    operand = t.tensor(node.inputs[0])
    made: Expr | Ref | Member = operand.expr
    for axis, start, end, step in zip(axes, starts.items, ends.items, steps, strict=True):
        made = _along(made, axis % operand.rank, _bound(start), _bound(end), step)
    return TensorValue(made, operand.dtype, operand.rank)


def _bound(item: Expr | Ref | Spread) -> Expr | Ref:
    """A bound that is computed from data is a vector of one number."""
    return Expr("{0:8}[0]", (item.expr,)) if isinstance(item, Spread) else item


def _along(made: Expr | Ref | Member, axis: int, start: Expr | Ref, end: Expr | Ref, step: int) -> Expr:
    """One axis of a slice, as Python writes it."""
    args: list[Expr | Ref | Member] = [made]
    shown = []
    for bound, default in ((start, "0"), (end, None)):
        text = bound.template if isinstance(bound, Expr) and not bound.args else ""
        open_ended = default is None and text.lstrip("-").isdigit() and abs(int(text)) >= _END // 2**20
        if text == default or open_ended:
            shown.append("")
        elif text:
            shown.append(text)
        else:
            args.append(bound)
            shown.append(f"{{{len(args) - 1}:4}}")
    if step < 0:
        # PyTorch has no negative steps: Python's own range says which elements are meant.
        args.append(made)
        rows = f"range({{{len(args) - 1}:8}}.shape[{axis}])[{shown[0]}:{shown[1]}:{step}]"
        if shown[0] == "" and isinstance(start, Expr) and start.template == "0":
            rows = rows.replace("[:", "[0:", 1)
        return Expr(f"{{0:8}}[{':, ' * axis}list({rows})]", tuple(args))
    simple = all(not text.startswith("{") for text in shown)
    colon = ":" if simple else (" :" if shown[0] else ": ")
    inner = f"{shown[0]}{colon}{shown[1]}" if simple else _spaced(shown)
    stepped = f":{step}" if step != 1 else ""
    return Expr(f"{{0:8}}[{':, ' * axis}{inner}{stepped}]", tuple(args))


def _spaced(shown: list[str]) -> str:
    """A slice with a computed bound: the colon stands free on the side of what is computed, as formatters have it."""
    left = f"{shown[0]} " if shown[0] else ""
    right = f" {shown[1]}" if shown[1] else ""
    return f"{left}:{right}"


@translates("Gather")
def gather(t: Translation, node: ir.Node) -> Value:
    """Elements along an axis, by number."""
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 0
    found, index = t.value(node.inputs[0]), t.value(node.inputs[1])
    wanted = t.integers(node.inputs[1])
    if isinstance(found, Directions) and axis == 2 and found.layout == "NTDH" and wanted is not None:
        return TensorValue(found.tensors[wanted[0]], found.dtype, 3)
    if isinstance(found, Numbers) and wanted is not None and not any(isinstance(item, Spread) for item in found.items):
        return Numbers(tuple(found.items[k] for k in wanted), scalar=index_rank(index) == 0, dtype=found.dtype)
    if isinstance(found, ConstantValue) and isinstance(index, TensorValue) and axis == 0 and found.rank == 2:
        embedding = _embedding(t, found)
        if embedding is not None:
            return TensorValue(Expr("{0}({1})", (embedding, index.expr)), found.dtype, index.rank + 1)
    operand = t.tensor(node.inputs[0])
    before = ":, " * (axis % operand.rank)
    rank = operand.rank - 1 + index_rank(index)
    if isinstance(index, ConstantValue) and wanted is not None and index.rank == 0:
        return TensorValue(Expr(f"{{0:8}}[{before}{wanted[0]}]", (operand.expr,)), operand.dtype, rank)
    if isinstance(index, ConstantValue) and wanted is not None and index.rank == 1 and len(wanted) <= 8:
        first = wanted[0]
        if wanted == list(range(first, first + len(wanted))) and first >= 0:
            return TensorValue(Expr(f"{{0:8}}[{before}{first}:{first + len(wanted)}]", (operand.expr,)), operand.dtype, rank)
        return TensorValue(Expr(f"{{0:8}}[{before}{wanted}]", (operand.expr,)), operand.dtype, rank)
    if isinstance(index, Numbers) and index.scalar and index.single is not None:
        return TensorValue(Expr(f"{{0:8}}[{before}{{1}}]", (operand.expr, index.single)), operand.dtype, rank)
    return TensorValue(Expr(f"{{0:8}}[{before}{{1}}]", (operand.expr, t.as_tensor(index))), operand.dtype, rank)


def index_rank(index: Value) -> int:
    """The number of dimensions of an operand."""
    return (0 if index.scalar else 1) if isinstance(index, Numbers) else index.rank


def _embedding(t: Translation, table: ConstantValue) -> Member | None:
    """A table of the model's own as a module."""
    if not table.parameter or not owned(t, table):
        return None
    rows, width = table.array.shape
    arguments: tuple[tuple[str, object], ...] = (("num_embeddings", rows), ("embedding_dim", width))
    return constructed(t, "nn.Embedding", arguments, {"weight": table}, "embedding")


@translates("GatherND")
def gather_elements(t: Translation, node: ir.Node) -> Value:
    """Rows of each sample, by the sample's own numbers."""
    operand, index = t.tensor(node.inputs[0]), t.tensor(node.inputs[1])
    assert node.attributes["batch_dims"].as_int() == 1
    producer = node.inputs[1].producer() if node.inputs[1] is not None else None
    assert producer is not None
    assert producer.op_type == "Unsqueeze"
    t.shared.snippets.add("steps_at")
    steps = t.tensor(producer.inputs[0])
    return TensorValue(Expr("steps_at({0}, {1})", (operand.expr, steps.expr)), operand.dtype, operand.rank + index.rank - 3)


@translates("ScatterND")
def scatter_sums(t: Translation, node: ir.Node) -> Value:
    """Rows added at places ``[..., 2]``."""
    operand, index, values = (t.tensor(value) for value in node.inputs)
    assert node.attributes["reduction"].as_string() == "add"
    made = "{0:8}.index_put(({1:8}[..., 0], {1:8}[..., 1]), {2}, accumulate=True)"
    return TensorValue(Expr(made, (operand.expr, index.expr, values.expr)), operand.dtype, operand.rank)


@translates("ScatterElements")
def scatter(t: Translation, node: ir.Node) -> Value:
    """Elements put in place; of two in the same place the later one stays."""
    operand, index, values = (t.tensor(value) for value in node.inputs)
    assert operand.rank == 1
    made = "{0:8}.index_put(({1},), {2})"
    return TensorValue(Expr(made, (operand.expr, index.expr, values.expr)), operand.dtype, operand.rank)
