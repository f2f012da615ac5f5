"""Drops nodes that no output needs.

A rule may lower an operand that a later, more direct form makes superfluous (a projection that an LSTM takes over, a mask
nobody reads).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx_ir as ir


def live_nodes(nodes: Sequence[ir.Node], outputs: Iterable[ir.Value]) -> list[ir.Node]:
    """The nodes of one graph that ``outputs`` need, in their order; bodies of loops read values of the graph around them."""
    needed = set(outputs)
    kept: list[ir.Node] = []
    for node in reversed(nodes):
        if needed.isdisjoint(node.outputs):
            continue
        kept.append(node)
        needed.update(value for value in node.inputs if value is not None)
        for body in bodies(node):
            needed.update(values_read(body))
    return kept[::-1]


def bodies(node: ir.Node) -> list[ir.Graph]:
    """The graphs that a node holds."""
    return [attribute.as_graph() for attribute in node.attributes.values() if attribute.type is ir.AttributeType.GRAPH]


def values_read(graph: ir.Graph) -> set[ir.Value]:
    """Everything that a body reads, its own values included."""
    found: set[ir.Value] = set(graph.outputs)
    for node in graph:
        found.update(value for value in node.inputs if value is not None)
        for body in bodies(node):
            found |= values_read(body)
    return found
