"""The layers of a converted model: its values that the reference has as well, each with the nodes since those before it."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from bridge.origins import Origin
from verify.equivalence.bisection.graph import ConvertedGraph
from verify.equivalence.bisection.reference_values import ReferenceValues
from verify.equivalence.cases import Batch


@dataclass(frozen=True, slots=True)
class KnownValue:
    """A value of the graph, which is the variable ``uid``, and what the reference has for it.

    ``passed`` are further variables that the graph takes for equal, with their values: operators that it leaves out.
    """

    origin: Origin
    uid: str
    reference: Batch
    passed: tuple[tuple[str, Batch], ...] = ()


@dataclass(frozen=True, slots=True)
class GraphLayer:
    """A known value with the nodes, by number, that make it from the known values before it, and the variables on their way."""

    known: KnownValue
    numbers: tuple[int, ...]
    skipped: tuple[Origin, ...] = ()  # values on the way that the reference does not have

    @property
    def value(self) -> str:
        """The name of the value in the graph."""
        return self.known.origin.value


def known_values(graph: ConvertedGraph, values: ReferenceValues) -> list[KnownValue]:
    """The values of the graph that the reference has, in the order of computation."""
    found = []
    for origin in graph.origins:
        have = [(uid, value) for uid in origin.variables if (value := values.value(uid)) is not None]
        if have:
            found.append(KnownValue(origin, *have[0], tuple(have[1:])))
    return found


def layers_of(graph: ConvertedGraph, known: list[KnownValue]) -> list[GraphLayer]:
    """One layer for each known value."""
    cuts = {item.origin.value for item in known}
    unknown = {origin.value: origin for origin in graph.origins if origin.value not in cuts}
    layers = []
    for item in known:
        numbers = graph.before([item.origin.value], cuts)
        made = [name for number in numbers for name in graph.nodes[number].output]
        layers.append(GraphLayer(item, tuple(numbers), tuple(unknown[name] for name in made if name in unknown)))
    return layers


def runs_in_float32(graph: ConvertedGraph, layer: GraphLayer) -> bool:
    """Whether anything in a layer is cast to float32 on its way."""
    casts = (graph.nodes[number] for number in layer.numbers if graph.nodes[number].op_type == "Cast")
    return any(attribute.i == onnx.TensorProto.FLOAT for node in casts for attribute in node.attribute if attribute.name == "to")
