"""Who reads each parameter of CNTK, looking through what only changes its layout.

A parameter that one kind of module reads, always in one layout, may be stored in that layout inside the module. Any other is
stored as CNTK stores it, and what reads it changes the layout itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import onnx_ir as ir

from bridge.lower.builder import PARAMETER_KEY
from bridge.lower.dead_code import bodies

LAYOUTS: Final = frozenset({"Reshape", "Transpose", "Unsqueeze", "Squeeze", "Identity"})
"""Operators that move a parameter's numbers without changing them."""

_Use = tuple[str, int, tuple[str, ...]]


class ParameterUses:
    """The readers of all parameters of a graph, those inside loops included."""

    def __init__(self, graph: ir.Graph) -> None:
        self._uses: dict[str, list[_Use]] = {}
        for initializer in graph.initializers.values():
            uid = initializer.metadata_props.get(PARAMETER_KEY)
            if uid is not None:
                self._uses[uid] = list(_readers(initializer, ()))

    def count(self, uid: str) -> int:
        """How many inputs of nodes read the parameter."""
        return len(self._uses.get(uid, ()))

    def of_one_kind(self, uid: str) -> bool:
        """Whether all readers are of one operator, at the same place, in the same layout."""
        return len(set(self._uses.get(uid, ()))) <= 1


def _readers(value: ir.Value, steps: tuple[str, ...]) -> Iterator[_Use]:
    for use in value.uses():
        node, index = use.node, use.idx
        if node.op_type in LAYOUTS and index == 0:
            yield from _readers(node.outputs[0], (*steps, _described(node)))
        else:
            yield node.op_type, index, steps


def _described(node: ir.Node) -> str:
    constants = [value.name for value in node.inputs[1:] if value is not None]
    return f"{node.op_type} {constants} {[(name, str(a.value)) for name, a in node.attributes.items()]}"


def all_nodes(graph: ir.Graph) -> Iterator[ir.Node]:
    """The nodes of a graph and of the loops in it."""
    for node in graph:
        yield node
        for body in bodies(node):
            yield from all_nodes(body)
