"""A model with its blocks dissolved: one flat graph of primitive nodes.

A block means what its inner functions mean, with placeholders bound to the block's arguments. Since every inner function has a
uid of its own, dissolving a block copies nothing: the block's outputs and the placeholders become *aliases*, which are resolved
once. That keeps the graph linear in the size of the file, however blocks nest. A few blocks may be kept whole
(``bridge.graph.blocks``), when the target has one operator for all of it; their inner functions stay reachable for anyone who
asks for them by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bridge.errors import InvalidGraphError
from bridge.graph.constant_operands import constant_attributes
from bridge.graph.model import Attributes, Function, Model, Variable, VariableKind
from bridge.graph.operators import USER_DEFINED

_NONE_KEPT: Final[Mapping[str, Attributes]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Node:
    """A primitive operator, or a block kept whole (``op`` is then ``Block:<name>``)."""

    uid: str
    op: str
    inputs: tuple[str, ...]  # resolved: leaf uids or output uids of other nodes
    outputs: tuple[str, ...]
    attributes: Attributes = field(default_factory=dict)
    name: str = ""


@dataclass(slots=True)
class Network:
    """Nodes and leaves of a model, every reference resolved.

    ``aliases`` leads from the uid of a placeholder, or of a block's or Combine's output, to the uid that carries the value.
    """

    model: Model
    nodes: dict[str, Node]
    leaves: dict[str, Variable]
    producers: dict[str, Node]
    aliases: Mapping[str, str]
    consumers: dict[str, list[Node]] = field(default_factory=dict)  # by uid of what they read

    def resolve(self, uid: str) -> str:
        """The uid of the leaf or node output that ``uid`` stands for."""
        return self.aliases.get(uid, uid)

    def predecessors(self, node: Node) -> Iterator[Node]:
        """The nodes whose outputs ``node`` reads, in input order."""
        for uid in node.inputs:
            producer = self.producers.get(uid)
            if producer is not None:
                yield producer


def function_outputs(model: Model, function: Function) -> tuple[str, ...]:
    """The output uids of a function; those of a Combine are its inputs."""
    return function.inputs if function.op == "Combine" else function.outputs


def dissolve(model: Model, kept: Mapping[str, Attributes] = _NONE_KEPT) -> Network:
    """Flatten ``model``. Raises ``InvalidGraphError`` for contradictory or circular bindings.

    ``kept``: the blocks that become one node, by uid, with the attributes of that node.
    """
    aliases = _resolve_all(_direct_aliases(model, kept))
    nodes: dict[str, Node] = {}
    producers: dict[str, Node] = {}
    for function in model.functions.values():
        if function.op == "Combine" or (function.block is not None and function.uid not in kept):
            continue
        node = _node(model, function, aliases, kept.get(function.uid))
        nodes[node.uid] = node
        for output in node.outputs:
            producers[output] = node
    leaves = {uid: v for uid, v in model.variables.items() if uid not in aliases}
    network = Network(model, nodes, leaves, producers, aliases)
    _check_references(network)
    for node in nodes.values():
        for uid in dict.fromkeys(node.inputs):
            network.consumers.setdefault(uid, []).append(node)
    return network


def _node(model: Model, function: Function, aliases: Mapping[str, str], kept: Attributes | None) -> Node:
    if function.block is None:
        op, inputs = function.op, function.inputs
    else:
        op, inputs = f"Block:{function.block.op_name}", tuple(function.block.arguments.values())
    resolved = tuple(aliases.get(uid, uid) for uid in inputs)
    attributes = {**(function.attributes if kept is None else kept), **constant_attributes(model, op, resolved)}
    return Node(function.uid, op, resolved, function.outputs, attributes, function.name)


def _direct_aliases(model: Model, kept: Collection[str]) -> dict[str, str]:
    """One step of every alias: block output -> inner output, placeholder -> argument."""
    aliases: dict[str, str] = {}
    for function in model.functions.values():
        if function.block is None:
            continue
        for placeholder, argument in function.block.arguments.items():
            if aliases.setdefault(placeholder, argument) != argument:
                raise InvalidGraphError(
                    f"placeholder {placeholder} is bound twice, to {aliases[placeholder]} and to {argument}", node=function.uid
                )
        if function.uid in kept:
            continue
        inner = function_outputs(model, model.functions[function.block.root])
        if len(inner) != len(function.outputs):
            raise InvalidGraphError(f"has {len(function.outputs)} outputs, its inside {len(inner)}", node=function.uid)
        aliases.update(zip(function.outputs, inner, strict=True))
    return aliases


def _resolve_all(direct: Mapping[str, str]) -> dict[str, str]:
    """Follow every alias to its end, each step walked once."""
    resolved: dict[str, str] = {}
    for start in direct:
        path: list[str] = []
        on_path: set[str] = set()
        uid = start
        while uid in direct and uid not in resolved:
            if uid in on_path:
                raise InvalidGraphError("a block or placeholder stands for itself", node=uid)
            on_path.add(uid)
            path.append(uid)
            uid = direct[uid]
        end = resolved.get(uid, uid)
        resolved.update(dict.fromkeys(path, end))
    return resolved


def _check_references(network: Network) -> None:
    for node in network.nodes.values():
        if node.op == USER_DEFINED:
            continue
        for uid in node.inputs:
            leaf = network.leaves.get(uid)
            if leaf is not None and leaf.kind is VariableKind.PLACEHOLDER:
                raise InvalidGraphError(f"placeholder {uid} is not bound: the model is unfinished", node=node.uid)
            if leaf is None and uid not in network.producers:
                raise InvalidGraphError(f"input {uid} is no variable of the model", node=node.uid)
