"""Writes down which ONNX value holds which CNTK variable, for the file's metadata."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import onnx_ir as ir

from bridge.graph.components import Component
from bridge.graph.interface import Port
from bridge.graph.model import Function, Model
from bridge.graph.network import Network, Node
from bridge.lower.lowering import Lowering
from bridge.lower.value import Lowered
from bridge.origins import Origin

_MOST_FOLDED: Final = 64
"""Operators listed of one value: a long recurrence is named, not spelt out."""
_MOST_LOOKS: Final = 8 * _MOST_FOLDED
"""Operands looked at for one value: a hostile graph, in which many values share operators of many operands, costs no more."""

_DEEPEST: Final = 64
_INTERNAL: Final = frozenset({"PackedIndex"})
"""Operators whose results number CNTK's own memory: no other program has the same numbers."""


def origins_of(
    ctx: Lowering,
    order: Sequence[Component],
    nodes: Sequence[ir.Node],
    outputs: Sequence[tuple[Port, ir.Value]],
) -> tuple[Origin, ...]:
    """The origins of all values that ``nodes``, the nodes of the finished graph, make, in their order.

    Constants computed at conversion come first. ``outputs`` are the values that carry the interface's outputs: a value with its
    padding zeroed is another one than the value itself.
    """
    held = _held_variables(ctx, order, outputs)
    position = {value: k for k, node in enumerate(nodes, 1) for value in node.outputs}
    read = {value for node in nodes for value in node.inputs if value is not None}
    live = [value for value in held if value in position or (value in read and value in ctx.builder.constants.arrays)]
    live.sort(key=lambda value: position.get(value, 0))
    writer = _Writer(ctx.network, order, {uid for value in live for uid, _ in held[value]})
    return tuple(writer.origin(value, held[value]) for value in live)


_Held = list[tuple[str, Lowered]]


def _held_variables(ctx: Lowering, order: Sequence[Component], outputs: Sequence[tuple[Port, ir.Value]]) -> dict[ir.Value, _Held]:
    """The variables that operators made, by the value that holds them, in the order of computation."""
    held: dict[ir.Value, _Held] = {}
    indices = set(ctx.indexed.values())
    for component in order:
        for node in component.nodes:
            for uid in node.outputs:
                known = ctx.values.get(uid)
                if known is not None and known.value not in indices and node.op not in _INTERNAL:
                    held.setdefault(known.value, []).append((uid, known))
    for port, value in outputs:
        known = ctx.values.get(port.uid)
        if known is not None and port.uid in ctx.network.producers and value not in held:
            held[value] = [(port.uid, Lowered(value, known.type, known.extent, clean=known.extent is not None))]
    return held


class _Writer:
    """Makes origins; ``mapped`` are the variables that have a value of their own."""

    def __init__(self, network: Network, order: Sequence[Component], mapped: AbstractSet[str]) -> None:
        self._network = network
        self._mapped = mapped
        self._position = {node.uid: k for k, node in enumerate(node for component in order for node in component.nodes)}
        self._looping = {node.uid for component in order if component.is_loop for node in component.nodes}
        self._blocks = _block_outputs(network)
        self._around = _enclosing_blocks(network.model)

    def origin(self, value: ir.Value, held: _Held) -> Origin:
        """What there is to say of one value."""
        uid, known = held[0]
        variables = [*dict.fromkeys(alias for own, _ in held for alias in (own, *self._blocks.get(own, ())))]
        node = self._network.producers[uid]
        folded = self._folded(node)
        assert value.name is not None
        return Origin(
            value=value.name,
            variables=tuple(variables),
            name=next((name for name in (self._name(self._network.producers[own]) for own, _ in held) if name), ""),
            operators=self._operators(folded),
            nodes=tuple(part.uid for part in folded),
            dynamic_rank=known.type.dynamic_rank,
            clean=known.clean,
            lengths=(known.extent.lengths.name or "") if known.extent is not None else "",
        )

    def _folded(self, last: Node) -> list[Node]:
        """``last``, and before it the operators on the way to it that have no value of their own."""
        found = {last.uid: last}
        pending = [last]
        looks = _MOST_LOOKS
        while pending and looks > 0 and len(found) < _MOST_FOLDED:
            for node in itertools.islice(self._network.predecessors(pending.pop()), looks):
                looks -= 1
                if node.uid not in found and not any(uid in self._mapped for uid in node.outputs):
                    found[node.uid] = node
                    pending.append(node)
        return sorted(found.values(), key=lambda node: self._position[node.uid])

    def _name(self, node: Node) -> str:
        """What the author called an operator or a block around it; the kind of the innermost block where nothing has a name."""
        if node.name and not node.name.startswith("_"):  # Names of that form are CNTK's own.
            return node.name
        kind, at = "", node.uid
        for _ in range(_DEEPEST):
            block = self._around.get(at)
            if block is None:
                break
            if block.name and not block.name.startswith("_"):
                return block.name
            kind, at = kind or (block.block.op_name if block.block is not None else ""), block.uid
        return kind

    def _operators(self, folded: Sequence[Node]) -> str:
        looping = sum(node.uid in self._looping for node in folded)
        names = dict.fromkeys(node.op.removeprefix("Block:") for node in folded if node.uid not in self._looping)
        return ", ".join([*names, f"recurrence of {looping} operators"] if looping else names)


def _block_outputs(network: Network) -> dict[str, list[str]]:
    """The outputs of blocks by the variable that they stand for: innermost blocks first."""
    found: dict[str, list[str]] = {}
    for function in network.model.functions.values():
        for uid in function.outputs if function.block is not None else ():
            if network.resolve(uid) != uid:
                found.setdefault(network.resolve(uid), []).append(uid)
    return found


def _enclosing_blocks(model: Model) -> dict[str, Function]:
    """The innermost block around each function that stands in one. Every function is visited once."""
    producers = {output: function for function in model.functions.values() for output in function.outputs}
    found: dict[str, Function] = {}
    for block in model.functions.values():
        pending = [model.functions[block.block.root]] if block.block is not None else []
        while pending:
            function = pending.pop()
            if function.uid in found or function is block:
                continue
            found[function.uid] = block
            given = (*function.inputs, *(function.block.arguments.values() if function.block is not None else ()))
            pending.extend(producers[uid] for uid in given if uid in producers)
    return found
