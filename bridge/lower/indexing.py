"""One-hot inputs as indices: the product of a one-hot vector with a matrix is a row of that matrix."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import InvalidOptionError
from bridge.graph.components import Component
from bridge.graph.inference.product import contracted_axes
from bridge.graph.interface import Interface
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering


def indexable_inputs(ctx: Lowering, interface: Interface, order: Sequence[Component]) -> set[str]:
    """The uids of inputs that are to become int64 indices.

    An input qualifies when it is a vector that nothing but products with a matrix reads. Raises ``InvalidOptionError`` for an
    input that was asked for by name and does not qualify.
    """
    chosen = ctx.options.index_inputs
    if chosen is not None and not chosen:
        return set()
    readers: dict[str, list[Node]] = {}
    for component in order:
        for node in component.nodes:
            for uid in node.inputs:
                readers.setdefault(uid, []).append(node)
    outputs = {port.uid for port in interface.outputs}
    found: set[str] = set()
    for port in interface.inputs:
        wanted = ctx.network.leaves[port.uid].is_sparse if chosen is None else port.name in chosen
        if not wanted:
            continue
        if port.uid not in outputs and all(_is_lookup(ctx, port.uid, node) for node in readers.get(port.uid, ())):
            found.add(port.uid)
        elif chosen is not None:
            raise InvalidOptionError(
                f"input {port.name!r} cannot become indices: expected a vector that only products with a matrix read"
            )
    unknown = set(chosen or ()) - {port.name for port in interface.inputs}
    if unknown:
        raise InvalidOptionError(f"no input {min(unknown)!r}; the inputs are {[port.name for port in interface.inputs]}")
    return found


def _is_lookup(ctx: Lowering, uid: str, node: Node) -> bool:
    """Whether ``node`` is a product of the vector ``uid`` with a matrix without dynamic axes."""
    if node.op not in ("Times", "TransposeTimes") or node.inputs[1] != uid or node.inputs[0] == uid:
        return False
    weight, data = ctx.type_of(node.inputs[0]), ctx.type_of(uid)
    if weight.axes or data.rank != 1:
        return False
    return node.op == "TransposeTimes" or contracted_axes(node, weight.rank) == 1
