"""Types of losses, metrics, distances and samplers."""

from __future__ import annotations

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.rule import Operands, Result, expect_operands, first_known, rule
from bridge.graph.model import DataType
from bridge.graph.network import Node
from bridge.graph.types import TensorType

AGGREGATING = (
    *("SquaredError", "CrossEntropyWithSoftmax", "ClassificationError", "Logistic", "LambdaRank", "NDCG", "EditDistanceError"),
    *("ForwardBackward", "LatticeSequenceWithSoftmax"),
)
"""Criteria that sum over all samples and steps: a scalar without dynamic axes."""


@rule(*AGGREGATING)
def _aggregated(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2, 4)
    known = first_known(operands)
    return None if known is None else known.with_shape(()).with_axes(())


@rule("CosDistance")
def _cos_distance(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    known = [operand for operand in operands if operand is not None]
    return known[0].with_shape(()).with_axes(max((k.axes for k in known), key=len)) if known else None


MOST_NEGATIVE_SAMPLES = 1 << 10
"""Each negative sample is a few nodes of the converted model."""


def negative_samples(node: Node) -> tuple[int, int]:
    """The distance of the first negative sample, and how many there are: operands that have to be constants."""
    shift, count = attributes.integer(node, "shift"), attributes.integer(node, "numNegativeSamples")
    if shift < 0 or not 0 <= count <= MOST_NEGATIVE_SAMPLES:
        raise InvalidGraphError(
            f"{count} negative samples from a distance of {shift}; expected up to {MOST_NEGATIVE_SAMPLES}, at 0 or more",
            node=node.uid,
        )
    return shift, count


@rule("CosDistanceWithNegativeSamples")
def _cos_distance_with_negative_samples(node: Node, operands: Operands) -> Result:
    expect_operands(node, 4)
    known = first_known(operands[:2])
    return None if known is None else known.with_shape((negative_samples(node)[1] + 1,))


@rule("RandomDistribution")
def _random_distribution(node: Node, operands: Operands) -> Result:
    expect_operands(node, 0, 1)
    if operands:
        return operands[0]
    code = attributes.integer(node, "newDataType")
    if code not in (DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16):
        raise InvalidGraphError(f"random numbers of data type {code}", node=node.uid)
    return TensorType(DataType(code), tuple(reversed(attributes.integers(node, "newShape"))))


@rule("RandomSample")
def _random_sample(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    weights = operands[0]
    return None if weights is None else weights.with_shape((attributes.integer(node, "numSamples"), *weights.shape))


@rule("RandomSampleInclusionFrequency")
def _inclusion_frequency(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    return operands[0]
