"""Sequence axes that nothing depends on.

The v1 format gives every input a sequence axis, images included. Where no node of the converted part walks along it, steps are
just more samples: the axis is folded into the batch axis, and an image model takes ``[N, C, H, W]``.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.graph import attributes
from bridge.graph.components import Component
from bridge.graph.inference.product import REDUCE_SEQUENCE_AXIS
from bridge.graph.model import DEFAULT_SEQUENCE_AXIS, Axis, AxisKind, VariableKind
from bridge.graph.network import Network, Node

WALKING = frozenset(
    {
        *(
            "PastValue",
            "FutureValue",
            "Where",
            "PackedIndex",
            "GatherPacked",
            "ScatterPacked",
            "ReconcileDynamicAxis",
            "ToSequenceLike",
        ),
        *("UnpackSequence", "OptimizedRNNStack", "ConvolutionSequenceShape", "EditDistanceError", "ForwardBackward"),
        *("LatticeSequenceWithSoftmax", "LambdaRank", "NDCG", "CosDistanceWithNegativeSamples", "EyeLikeOp", "ToSequence"),
    }
)
"""Operators that walk along a sequence axis, make one, or count samples and steps apart."""


def folded_axes(network: Network, order: Iterable[Component]) -> frozenset[Axis]:
    """The sequence axes of inputs that are folded into the batch axis: all of them or none.

    Only those that a v1 file gives without being asked are: an axis that a v2 model states is part of its interface.
    """
    if network.model.format != "v1":
        return frozenset()
    if any(_walks(node) for component in order for node in component.nodes):
        return frozenset()
    inputs = [leaf for leaf in network.leaves.values() if leaf.kind is VariableKind.INPUT]
    axes = {axis for leaf in inputs for axis in leaf.dynamic_axes if axis.kind is AxisKind.SEQUENCE}
    return frozenset(axis for axis in axes if axis.name != DEFAULT_SEQUENCE_AXIS.name)


def _walks(node: Node) -> bool:
    if node.op in WALKING:
        return True
    if node.op == "Times":
        return attributes.integer(node, "inferInputRankToMap", -1) == REDUCE_SEQUENCE_AXIS
    if node.op == "ReduceElements":
        return any(axis.kind is AxisKind.SEQUENCE for axis in attributes.axes(node))
    return False
