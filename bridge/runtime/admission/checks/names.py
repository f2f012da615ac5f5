"""Every name means one thing: values are made once, before they are read, and weights cannot be replaced by a caller."""

from __future__ import annotations

from collections import ChainMap, Counter
from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.model import Function, Graph, Node
from bridge.runtime.admission.subject import Subject

SHADOWED: Final = "shadowed-initializers"
NAMES: Final = "names"

_Scope = ChainMap[str, None]


def check_shadowed_initializers(subject: Subject) -> None:
    """No initializer is an input too, which would let a caller replace weights, but for inputs that were signed as optional."""
    optional = {tensor.name for tensor in subject.interface.inputs if tensor.optional} if subject.interface else set()
    for graph in subject.model.graphs():
        inputs = {value.name for value in graph.inputs}
        for tensor in graph.initializers:
            if tensor.name in inputs and not (graph is subject.model.graph and tensor.name in optional):
                raise RefusedModelError(
                    SHADOWED, tensor.where, expected="weights that no caller replaces", found="an input of its name"
                )


def check_names(subject: Subject) -> None:
    """Inputs, initializers and results of nodes have names of their own; what a node reads was made before; outputs are made."""
    _check_graph(subject.model.graph, ChainMap())
    for function in subject.model.functions:
        _check_function(function)
    nodes = Counter(node.name for node in subject.model.nodes() if node.name)
    twice = next((name for name, count in nodes.items() if count > 1), None)
    if twice is not None:
        raise RefusedModelError(NAMES, "the model", expected="nodes of different names", found=f"two called {twice[:200]!a}")


def _check_graph(graph: Graph, outer: _Scope) -> None:
    known = outer.new_child()
    inputs = {value.name for value in graph.inputs}
    for value in graph.inputs:
        _define(value.name, value.where, known)
    own: set[str] = set()
    for tensor in graph.initializers:
        if tensor.name in own:
            raise RefusedModelError(NAMES, tensor.where, expected="a name of its own", found="another initializer's")
        own.add(tensor.name)
        # An input with a default is judged by the check of shadowed initializers.
        if tensor.name not in inputs:
            _define(tensor.name, tensor.where, known)
    _check_nodes(graph.nodes, known)
    _refuse_repeated_outputs(graph)
    for value in graph.outputs:
        if value.name not in known:
            raise RefusedModelError(NAMES, value.where, expected="a value that is made", found="none of that name")


def _check_function(function: Function) -> None:
    known: _Scope = ChainMap()
    for name in function.inputs:
        _define(name, function.where, known)
    _check_nodes(function.nodes, known)
    missing = next((name for name in function.outputs if name not in known), None)
    if missing is not None:
        raise RefusedModelError(NAMES, function.where, expected="outputs that are made", found=f"none called {missing[:200]!a}")


def _check_nodes(nodes: tuple[Node, ...], known: _Scope) -> None:
    for node in nodes:
        missing = next((name for name in node.inputs if name and name not in known), None)
        if missing is not None:
            raise RefusedModelError(NAMES, node.where, expected="values made before", found=f"{missing[:200]!a}, which is not")
        for body in node.bodies:
            _check_graph(body, known)
        for name in node.outputs:
            if name:
                _define(name, node.where, known)


def _define(name: str, where: str, known: _Scope) -> None:
    if not name:
        raise RefusedModelError(NAMES, where, expected="a name", found="none")
    if name in known:
        raise RefusedModelError(NAMES, where, expected="a name of its own", found=f"{name[:200]!a}, which is another value's")
    known[name] = None


def _refuse_repeated_outputs(graph: Graph) -> None:
    counts = Counter(value.name for value in graph.outputs)
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice is not None:
        raise RefusedModelError(NAMES, graph.where, expected="each output once", found=f"two called {twice[:200]!a}")
