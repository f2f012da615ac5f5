"""The table of operators: complete, and with the right sense of what may stand in a file."""

from __future__ import annotations

import math

import pytest

from bridge.graph.attribute_schema import SCHEMAS, find_attribute_faults, find_unknown_attributes
from bridge.graph.model import FREE, INFERRED, UNKNOWN_SHAPE, AttributeValue, Axis, AxisKind, NDShape
from bridge.graph.operators import OPERATORS
from bridge.limits import DEFAULT_LIMITS

AXIS = Axis(AxisKind.STATIC, 0)


def faults(op: str, key: str, value: AttributeValue) -> list[str]:
    return [fault.key for fault in find_attribute_faults(op, {key: value}, DEFAULT_LIMITS)]


def test_every_operator_has_a_schema() -> None:
    assert set(SCHEMAS) == set(OPERATORS.values())


@pytest.mark.parametrize(
    ("op", "key", "value"),
    [
        ("Convolution", "strides", NDShape((1, 2, 16))),
        ("Convolution", "outputShape", NDShape((0,))),
        ("Convolution", "kernelShape", NDShape((0,))),
        ("Convolution", "groups", 4),
        ("Pooling", "poolingWindowShape", UNKNOWN_SHAPE),
        ("Pooling", "autoPadding", (True, False)),
        ("Reshape", "newShape", NDShape((INFERRED, 3, FREE))),
        ("Reshape", "newShape", NDShape()),
        ("Dropout", "dropoutRate", 0.0),
        ("UnpackSequence", "sequenceUnpackPaddingValue", -math.inf),
        ("BatchNormalization", "normalizationTimeConstant", -1.0),
        ("Slice", "sliceStrides", -2),
        ("Slice", "beginIndexVec", (-1, 0)),
        ("Times", "inferInputRankToMap", -2),
        ("ReduceElements", "axisVec", (AXIS, Axis(AxisKind.BATCH, name="defaultBatchAxis"))),
        ("ReduceElements", "reductionOpName", "Argmax"),
        ("PastValue", "offset", 1),
        ("EditDistanceError", "TokensToIgnore", ()),
        ("Tanh", "not of this operator", "anything"),
        ("Block", "alpha", "anything"),
    ],
)
def test_value_met_in_real_files_passes(op: str, key: str, value: AttributeValue) -> None:
    assert faults(op, key, value) == []


@pytest.mark.parametrize(
    ("op", "key", "values"),
    [
        (
            "Convolution",
            "strides",
            [NDShape((0,)), NDShape((1, -1)), UNKNOWN_SHAPE, (1, 1), 1, NDShape((1,) * 33), NDShape((1 << 37,))],
        ),
        ("Convolution", "dilation", [NDShape((0,)), (1,)]),
        ("Convolution", "groups", [0, -1, 1.0, True, 1 << 37]),
        ("Convolution", "sharing", [(1,), True, NDShape((1,))]),
        ("Convolution", "transpose", [0, 1, "true"]),
        ("Convolution", "lowerPad", [NDShape((-1,)), NDShape((1 << 37,))]),
        ("Convolution", "outputShape", [NDShape((INFERRED,))]),
        ("Pooling", "poolingType", [2, -1, True, "Max"]),
        ("Pooling", "poolingWindowShape", [NDShape((0,)), NDShape((INFERRED,))]),
        ("Reshape", "newShape", [NDShape((INFERRED, INFERRED)), UNKNOWN_SHAPE, NDShape((-4,)), NDShape((1 << 37,)), (2,)]),
        ("Reshape", "beginAxis", [0, "axis"]),
        ("Dropout", "dropoutRate", [1.0, -0.1, math.nan, 0, "0.5"]),
        ("Dropout", "rngSeed", [-1, 1.0, True]),
        ("BatchNormalization", "epsilon", [math.inf, -math.inf, math.nan, 1]),
        ("BatchNormalization", "blendTimeConstant", [math.nan, 0]),
        ("Slice", "sliceStrides", [0, True]),
        ("Slice", "sliceStridesVec", [(1, 0), 1]),
        ("PastValue", "offset", [0, -1, 65_537, 1.0]),
        ("Times", "outputRank", [-1, 33, 1.0]),
        ("Times", "inferInputRankToMap", [-3, 33]),
        ("ReduceElements", "axisVec", [AXIS, (AXIS, 1), (AXIS,) * 33]),
        ("ReduceElements", "reductionOpName", ["sum", "", 1]),
        ("OneHot", "numClass", [0, 1 << 37]),
        ("TopK", "numItems", [0, 1 << 37]),
        ("Pad", "paddingMode", [3, 0.0]),
        ("Pad", "paddingHead", [(-1,), (1 << 37,), NDShape((1,))]),
        ("OptimizedRNNStack", "hiddenSize", [0, 1 << 37]),
        ("OptimizedRNNStack", "numLayers", [0, 1 << 20]),
        ("OptimizedRNNStack", "recurrentOp", ["LSTM"]),
        ("ROIPooling", "spatialScale", [0.0, -1.0, math.inf, math.nan]),
        ("Cast", "newDataType", [0, 3, 7, 1.0, True]),
        ("RandomDistribution", "randomDistributionType", ["cauchy"]),
        ("RandomDistribution", "randomDistributionArgs", [(math.nan,), (1,), 1.0]),
    ],
)
def test_value_out_of_place_is_a_fault(op: str, key: str, values: list[AttributeValue]) -> None:
    for value in values:
        assert faults(op, key, value) == [key], value


def test_fault_says_what_was_expected_and_found() -> None:
    (fault,) = find_attribute_faults("Dropout", {"dropoutRate": 1.5}, DEFAULT_LIMITS)
    assert fault == ("dropoutRate", "a floating-point number of at least 0 and below 1", "1.5")


def test_fault_with_a_long_value_is_shown_in_part() -> None:
    (fault,) = find_attribute_faults("Dropout", {"dropoutRate": "x" * 100_000}, DEFAULT_LIMITS)
    assert len(fault.found) < 300


def test_unknown_attributes_are_listed_apart_from_the_users_own() -> None:
    assert find_unknown_attributes("Tanh", {"b": 1, "a": 1, "customAttributes": {}}) == ["a", "b"]
    assert find_unknown_attributes("Block", {"alpha": 1.0}) == []
    assert find_unknown_attributes("Dropout", {"dropoutRate": 0.5}) == []
