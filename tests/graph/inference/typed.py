"""Types of values of small graphs, for tests of the rules."""

from __future__ import annotations

from bridge.graph.components import components
from bridge.graph.inference import infer
from bridge.graph.network import dissolve
from bridge.graph.types import TensorType
from bridge.limits import DEFAULT_LIMITS, Limits
from tests.lower.graphs import Graph


def type_of(graph: Graph, output: str, limits: Limits = DEFAULT_LIMITS) -> TensorType:
    """The inferred type of ``output``."""
    network = dissolve(graph.model(output))
    order = components(network, [network.producers[output].uid] if output in network.producers else [])
    return infer(network, order, limits)[output]
