"""The one operator of random sampling that draws nothing."""

from __future__ import annotations

import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse, lowers


@lowers("RandomSampleInclusionFrequency", onnx="weights over their sum, times the number of draws; refused without duplicates")
def lower_inclusion_frequency(ctx: Lowering, node: Node) -> ir.Value:
    """How often each class is expected among the draws, when a class may be drawn again."""
    if not attributes.flag(node, "allowDuplicates", default=False):
        raise Refuse(
            "estimates how often a class is drawn, without duplicates, by drawing at random",
            "it serves training: ask for the prediction that it works on, by name",
        )
    b, weights = ctx.builder, ctx.value(node.inputs[0])
    share = b.op("Div", weights.value, b.op("ReduceSum", weights.value, keepdims=0))
    return b.op("Mul", share, ctx.like(weights, float(attributes.integer(node, "numSamples"))))
