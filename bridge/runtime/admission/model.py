"""An ONNX model as data, as it is stated: nothing here is believed yet. ``where`` says how people find a thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.runtime.admission.message import Fault


@dataclass(frozen=True, slots=True)
class Tensor:
    """Constant data. ``filled`` names the fields that hold data, ``raw`` is the one of bytes, ``external`` the keys as stated."""

    where: str
    name: str
    dims: tuple[int, ...]
    data_type: int
    filled: tuple[str, ...]
    raw: memoryview | None
    external: tuple[tuple[str, str], ...]
    data_location: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a node. ``filled`` names the fields that hold a value; what is absent is empty."""

    where: str
    name: str
    type: int
    reference: str
    filled: tuple[str, ...]
    integer: int
    integers: tuple[int, ...]
    octets: bytes
    tensors: tuple[Tensor, ...]
    graphs: tuple[Graph, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A call of an operator, or of a local function. An absent optional input or output has the empty name."""

    where: str
    name: str
    operator: str
    domain: str
    overload: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[Attribute, ...]

    @property
    def bodies(self) -> tuple[Graph, ...]:
        """The graphs inside of this node."""
        return tuple(graph for attribute in self.attributes for graph in attribute.graphs)

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of that name."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its stated type. ``shape`` is ``None`` where it is not stated; so is an extent without name or number."""

    where: str
    name: str
    element_type: int
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph, or the body of a node."""

    where: str
    name: str
    nodes: tuple[Node, ...]
    initializers: tuple[Tensor, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A local function of the model."""

    where: str
    domain: str
    name: str
    overload: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    opsets: tuple[tuple[str, int], ...]
    defaults: tuple[Attribute, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """What a node has to say to call it."""
        return self.domain, self.name, self.overload


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """The file. ``faults`` were noted while it was read."""

    ir_version: int
    opsets: tuple[tuple[str, int], ...]
    graph: Graph
    functions: tuple[Function, ...]
    metadata: tuple[tuple[str, str], ...]
    faults: tuple[Fault, ...]

    def graphs(self) -> Iterator[Graph]:
        """The main graph and every body in it, outer ones first. Bodies in functions are not among them."""
        yield from _graphs(self.graph)

    def nodes(self) -> Iterator[Node]:
        """Every node: of the main graph, of bodies, and of functions with the bodies in them."""
        yield from nodes_within(self.graph.nodes)
        for function in self.functions:
            yield from nodes_within(function.nodes)

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor: initializers of all graphs, and attributes, those inside of functions among them."""
        yield from self.graph.initializers
        for function in self.functions:
            for attribute in function.defaults:
                yield from attribute.tensors
        for node in self.nodes():
            for attribute in node.attributes:
                yield from attribute.tensors
                for body in attribute.graphs:
                    yield from body.initializers


def nodes_within(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """``nodes``, and those of all bodies within them."""
    for node in nodes:
        yield node
        for body in node.bodies:
            yield from nodes_within(body.nodes)


def _graphs(graph: Graph) -> Iterator[Graph]:
    yield graph
    for node in graph.nodes:
        for body in node.bodies:
            yield from _graphs(body)
