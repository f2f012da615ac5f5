"""Scan: a small module that runs once per step."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.targets.pytorch.expression import Expr, Ref
from bridge.targets.pytorch.members import MODULE, Member
from bridge.targets.pytorch.program import Loop, Region
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import TensorValue, Value


def _flags(node: ir.Node, name: str, count: int) -> list[int]:
    return list(node.attributes[name].as_ints()) if name in node.attributes else [0] * count


@translates("Scan")
def scan(t: Translation, node: ir.Node) -> tuple[Value, ...]:
    """A recurrence that is no standard cell: the module holds its parameters, a loop in ``forward`` its steps."""
    body = node.attributes["body"].as_graph()
    scanned_count = node.attributes["num_scan_inputs"].as_int()
    state_count = len(node.inputs) - scanned_count
    axes = _flags(node, "scan_input_axes", scanned_count)
    output_axes = _flags(node, "scan_output_axes", len(node.outputs) - state_count)
    reverse = any(_flags(node, "scan_input_directions", scanned_count))
    assert len(set(axes)) == 1
    assert len(set(output_axes)) <= 1

    new = t.shared.refs.new
    outside = [t.tensor(value) for value in node.inputs]
    region = Region("Recurrence", [new() for _ in outside], doc="")
    inner = Translation(t.shared, region, outer=t)
    inner.node = t.node
    states, scanned = region.arguments[:state_count], region.arguments[state_count:]
    slices = [new() for _ in scanned]
    for k, (value, given) in enumerate(zip(body.inputs, outside, strict=True)):
        if k < state_count:
            inner.values[value] = TensorValue(states[k], given.dtype, given.rank)
        else:
            inner.values[value] = TensorValue(slices[k - state_count], given.dtype, given.rank - 1)
    inner.run(body)
    made = [inner.tensor(value) for value in body.outputs]
    results = [item.expr if isinstance(item.expr, Ref) else inner.bind(item.expr) for item in made]
    region.loop = Loop(
        tuple(states), tuple(results[:state_count]), tuple(scanned), tuple(slices), tuple(results[state_count:]), reverse, axes[0]
    )
    return _call(t, node, region, inner, outside, made, state_count, output_axes)


def _name_arguments(region: Region) -> None:
    """What arguments of loops are called: their roles, numbered."""
    assert region.loop is not None
    loop = region.loop
    given = [ref for ref in region.arguments if ref not in loop.states and ref not in loop.scanned]
    for role, refs in (("state", loop.states), ("x", loop.scanned), ("given", given), ("step", loop.slices)):
        region.names.update({ref: f"{role}{k + 1}" if len(refs) > 1 else role for k, ref in enumerate(refs)})


def _call(
    t: Translation,
    node: ir.Node,
    region: Region,
    inner: Translation,
    outside: list[TensorValue],
    made: list[TensorValue],
    state_count: int,
    output_axes: list[int],
) -> tuple[Value, ...]:
    """The statement that runs the loop, with what its body reads from outside as further arguments."""
    assert region.loop is not None
    region.loop.stacked = output_axes[0] if output_axes else 0
    region.loop.finals = tuple(k for k in range(state_count) if list(node.outputs[k].uses()) or node.outputs[k].is_graph_output())
    region.arguments.extend(inner.captured.values())
    _name_arguments(region)
    member = Member(MODULE, "Recurrence", (), {}, "recurrence", t.origin, t.shared.names.of_module(t.origin), region=region)
    args = (member, *(item.expr for item in outside), *inner.captured)
    slots = ", ".join(f"{{{k + 1}}}" for k in range(len(args) - 1))
    count = len(region.loop.finals) + len(region.loop.collected)
    refs = list(t.bind_many(Expr(f"{{0}}({slots})", args), count))
    values: list[Value | None] = []
    for k, item in enumerate(made):
        if k < state_count:
            kept = k in region.loop.finals
            values.append(TensorValue(refs.pop(0), item.dtype, item.rank) if kept else None)
        else:
            values.append(TensorValue(refs.pop(0), np.dtype(item.dtype), item.rank + 1))
    return tuple(values)  # type: ignore[arg-type]
