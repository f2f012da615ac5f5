"""How much of everything there is: each of these costs the engine time and memory before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.model import Graph, OnnxModel
from bridge.runtime.admission.subject import Subject

COUNTS: Final = "counts"


def check_counts(subject: Subject) -> None:
    """Nodes, initializers, values, nesting, inputs of a node and lengths of names stay within their bounds."""
    model, limits = subject.model, subject.limits
    nodes = list(model.nodes())
    graphs = list(model.graphs())
    _at_most("the model", "nodes", limits.nodes, len(nodes))
    _at_most("the model", "tensors", limits.initializers, sum(1 for _ in model.tensors()))
    values = sum(len(graph.inputs) + len(graph.outputs) + len(graph.values) for graph in graphs)
    _at_most("the model", "values", limits.values, values + sum(len(node.outputs) for node in nodes))
    for node in nodes:
        _at_most(node.where, "attributes", limits.attributes_per_node, len(node.attributes))
        _at_most(node.where, "inputs and outputs", limits.inputs_per_node, len(node.inputs) + len(node.outputs))
    for where, name in _names(model):
        _at_most(where[:300], "bytes of a name", limits.name_bytes, len(name.encode()))
    _at_most("the model", "graphs in graphs", limits.graph_depth, _depth(model.graph))


def _names(model: OnnxModel) -> Iterator[tuple[str, str]]:
    for graph in model.graphs():
        for value in (*graph.inputs, *graph.outputs, *graph.values):
            yield value.where, value.name
    for node in model.nodes():
        for name in (node.name, node.operator, node.domain, *node.inputs, *node.outputs):
            yield node.where, name
    for tensor in model.tensors():
        yield tensor.where, tensor.name


def _depth(graph: Graph) -> int:
    """How many graphs stand in each other, the main one not counted. The depth of messages bounds the recursion."""
    return max((1 + _depth(body) for node in graph.nodes for body in node.bodies), default=0)


def _at_most(where: str, what: str, limit: int, found: int) -> None:
    if found > limit:
        raise RefusedModelError(COUNTS, where, expected=f"at most {limit} {what}", found=str(found))
