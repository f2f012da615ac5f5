"""The vocabulary of CNTK 2: names of operators, orders of inputs, attributes."""

from __future__ import annotations

import sys

import pytest

from bridge.errors import InvalidGraphError, InvalidModelError
from bridge.graph.model import INFERRED, Axis, AxisKind, NDShape
from bridge.graph.operators import OPERATOR_IDS
from bridge.source.v1.layouts import LAYOUTS
from bridge.source.v1.mapping import RULES
from tests.source.v1 import bcn_nodes as nodes
from tests.source.v1.bcn_writer import BcnFile, f32, f64, flag, i32, i64, numbers, shape, u32, u64, wide
from tests.source.v1.networks import operator, producer, read

BATCH = Axis(AxisKind.BATCH, name="defaultBatchAxis")
SEQUENCE = Axis(AxisKind.SEQUENCE, name="defaultDynamicAxis")


def static(index: int) -> Axis:
    return Axis(AxisKind.STATIC, index)


@pytest.mark.parametrize("op", sorted(name for name in RULES if not LAYOUTS[name] and name != "DynamicAxis"))
def test_an_operator_becomes_one_of_cntk_2_or_keeps_a_name_that_none_has(op: str) -> None:
    found = producer(read(operator(op, inputs=RULES[op].least)), "n").op

    assert found in OPERATOR_IDS or found.startswith(op)


@pytest.mark.parametrize(
    ("op", "expected", "order"),
    [
        ("Cosine", "Cos", "a"),
        ("RectifiedLinear", "ReLU", "a"),
        ("ExponentialLinearUnit", "ELU", "a"),
        ("ToBatchAxisNode", "ToBatch", "a"),
        ("UnpackBatchAxis", "UnpackBatch", "a"),
        ("SquareError", "SquaredError", "ab"),
        ("CrossEntropyWithSoftmax", "CrossEntropyWithSoftmax", "ba"),
        ("ClassificationError", "ClassificationError", "ba"),
        ("ClassificationError", "ClassificationError", "bac"),
        ("Logistic", "Logistic", "ba"),
        ("Logistic", "Logistic", "bac"),
        ("LambdaRank", "LambdaRank", "bac"),
        ("NDCG1Eval", "NDCG", "bac"),
        ("GatherPacked", "GatherPacked", "ba"),
        ("ScatterPacked", "ScatterPacked", "cba"),
        ("PackedIndex", "PackedIndex", "ab"),
        ("Clip", "Clip", "cab"),
        ("If", "Select", "abc"),
        ("Gather", "Gather", "ab"),
        ("ReconcileDynamicAxis", "ReconcileDynamicAxis", "ab"),
        ("CosDistanceWithNegativeSamples", "CosDistanceWithNegativeSamples", "abcd"),
    ],
)
def test_an_operator_has_its_new_name_and_order_of_inputs(op: str, expected: str, order: str) -> None:
    function = producer(read(operator(op, inputs=len(order))), "n")

    assert (function.op, function.inputs, function.attributes) == (expected, tuple(order), {})


@pytest.mark.parametrize(
    ("op", "body", "expected"),
    [
        ("Reshape", i32(1) + i32(0) + shape(3, 0), {"newShape": NDShape((3, INFERRED))}),
        ("Reshape", i32(2) + i32(3) + shape(3, 1), {"newShape": NDShape((3, 1)), "beginAxis": static(1), "endAxis": static(2)}),
        ("Reshape", i32(0) + i32(2147483645) + shape(6), {"newShape": NDShape((6,))}),
        ("TransposeDimensions", i32(1) + i32(2), {"axis1": static(0), "axis2": static(1)}),
        ("TransposeDimensions", i32(0) + i32(0) + numbers(1, 0), {"axisVec": (static(1), static(0))}),
        (
            "Slice",
            i32(2) + i64(0) + i64(1) + i32(1) + i32(1) + i64(-2) + i64(2) + i32(2) + i32(-1),
            {
                "axisVec": (static(0), static(1)),
                "beginIndexVec": (0, -2),
                "endIndexVec": (1, 0),
                "sliceStridesVec": (1, -1),
            },
        ),
        (
            "ReduceElements",
            i32(4) + i32(-2) + i32(-3) + i32(2) + i32(-1) + wide("Plus") + flag(True),
            {
                "axisVec": (Axis(AxisKind.SEQUENCE, name="__operandSequence"), BATCH, static(1), Axis(AxisKind.ALL)),
                "reductionOpName": "Sum",
                "reductionKeepDimensions": True,
            },
        ),
        ("Where", wide("__noSequenceAxis"), {"newDynamicAxes": (BATCH,)}),
        ("Where", wide("new"), {"newDynamicAxes": (Axis(AxisKind.SEQUENCE, name="new"), BATCH)}),
        ("ToSequence", wide("*"), {"sequenceAxis": "*", "newDynamicAxes": (SEQUENCE, BATCH)}),
        (
            "UnpackSequence",
            f32(-1) + flag(True),
            {"sequenceUnpackPaddingValue": -1.0, "sequenceUnpackSuppressMaskOutput": True},
        ),
        (
            "RandomSample",
            flag(True) + u64(3) + u64(1) + u64(2),
            {"numSamples": 3, "allowDuplicates": True, "rngSeed": 1, "rngOffset": 2},
        ),
        ("EyeLikeOp", flag(True), {"OutputSparse": True}),
        (
            "AveragePooling",
            u32(2) + u32(1) + u64(3) + u64(4) + u64(5),
            {
                "poolingType": 1,
                "poolingWindowShape": NDShape((2, 3, 1)),
                "strides": NDShape((4, 5, 1)),
                "autoPadding": (False,),
                "lowerPad": NDShape((0,)),
                "upperPad": NDShape((0,)),
                "ceilOutDim": False,
                "includePad": False,
            },
        ),
    ],
)
def test_attributes_are_those_of_a_v2_file(op: str, body: bytes, expected: dict[str, object]) -> None:
    assert producer(read(operator(op, body)), "n").attributes == expected


@pytest.mark.parametrize(
    ("op", "body", "inputs", "expected"),
    [
        ("TransposeTimes", u64(1) + i32(-1), 2, {"outputRank": 1}),
        ("Crop", f64(3) + f64(4), 2, {"offset": (3, 4)}),
        ("Crop", f64(sys.float_info.max) * 2, 2, {}),
        ("Crop", f64(sys.float_info.max) * 2, 4, {}),
        (
            "ROIPooling",
            shape(2, 3) + i32(1) + f64(0.5),
            2,
            {"poolingType": 0, "roiOutputShape": NDShape((2, 3)), "spatialScale": 0.5},
        ),
        ("ForwardBackward", i32(-1) + u64(4), 2, {"BlankTokenId": 4, "DelayConstraint": -1}),
        (
            "EditDistanceError",
            f32(1) + f32(2) + f32(3) + flag(False) + numbers(5),
            2,
            {
                "SubstitutionPenalty": 1.0,
                "DeletionPenalty": 2.0,
                "InsertionPenalty": 3.0,
                "SquashInputs": False,
                "TokensToIgnore": (5,),
            },
        ),
    ],
)
def test_attributes_of_operators_with_several_inputs(op: str, body: bytes, inputs: int, expected: dict[str, object]) -> None:
    assert producer(read(operator(op, body, inputs=inputs)), "n").attributes == expected


def test_the_paths_of_a_lattice_criterion_are_reported_and_kept() -> None:
    body = b"".join([*map(wide, ("sym", "", "", "", "conf")), *(f64(number) for number in range(6)), flag(True), flag(False)])
    model = read(operator("LatticeSequenceWithSoftmax", body, inputs=4))

    attributes = producer(model, "n").attributes
    assert attributes["LatticeConfigPath"] == "conf"
    assert (attributes["FrameDropThresh"], attributes["HSmoothingWeight"]) == (0.0, 1.0)
    assert [hazard.kind for hazard in model.hazards] == ["file-path", "file-path"]


@pytest.mark.parametrize(
    ("op", "body", "inputs", "message"),
    [
        ("Slice", i32(1) + i64(0) + i64(1) + i32(0) + i32(1), 1, "axis 0: expected 1 to 32"),
        ("Slice", i32(1) + i64(0) + i64(1) + i32(1) + i32(0), 1, "a stride of 0"),
        ("Slice", i32(1) + i64(1 << 40) + i64(1) + i32(1) + i32(1), 1, "bounds beyond 32 bits"),
        ("RowStack", i32(99), 2, "axis 99"),
        ("Reshape", i32(1) + i32(0) + shape(0, 0), 1, "more than one dimension is left open"),
        ("TransposeDimensions", i32(0) + i32(0) + numbers(0, 0), 1, "no permutation"),
        ("ReduceElements", i32(1) + i32(-4) + wide("Sum") + flag(True), 1, "axis -4"),
        ("ReduceElements", i32(1) + i32(1) + wide("Median") + flag(True), 1, "a reduction 'Median'"),
        ("PastValue", i32(0) + shape() + f32(0), 1, "a delay of 0 steps"),
        ("FutureValue", i32(1 << 20) + shape() + f32(0), 1, "a delay of 1048576 steps"),
        ("Crop", f64(0.5) + f64(1), 2, "expected whole numbers"),
        ("Crop", f64(float("nan")) + f64(1), 2, "expected whole numbers"),
        ("Crop", f64(0) + f64(1), 3, "expected 2 or 4 inputs"),
        ("MaxPooling", u32(2) + u32(0) + u64(2) * 3, 1, "layout HWC"),
        ("OptimizedRNNStack", u64(0) + u64(1) + u64(1) + wide("LSTM") + i32(2), 2, "a recurrence 'LSTM'"),
    ],
)
def test_a_setting_without_meaning_is_refused(op: str, body: bytes, inputs: int, message: str) -> None:
    with pytest.raises(InvalidGraphError, match=f"node 'n': {op}: .*{message}"):
        read(operator(op, body, inputs=inputs))


@pytest.mark.parametrize(
    ("op", "body", "inputs", "field"),
    [
        ("Times", u64(1 << 40) + i32(-1), 2, "outputRank"),
        ("RandomSample", flag(True) + u64(1 << 60) + u64(0) + u64(0), 1, "numSamples"),
        ("OptimizedRNNStack", u64(0) + u64(0) + u64(1) + wide("lstm") + i32(2), 2, "numLayers"),
        ("MaxPooling", u32(2) + u32(1) + u64(2) + u64(0) * 2, 1, "strides"),
        ("ROIPooling", shape(2, 3) + i32(1) + f64(float("nan")), 2, "spatialScale"),
    ],
)
def test_a_setting_out_of_range_is_refused(op: str, body: bytes, inputs: int, field: str) -> None:
    with pytest.raises(InvalidModelError, match=rf"a setting of {op} has a value that it cannot have .*'n'\.{field}"):
        read(operator(op, body, inputs=inputs))


def test_pooling_of_no_kind_is_refused() -> None:
    file = BcnFile(31)
    file.input("x", 4, 4, 1)
    nodes.pooling(file, "n", "x", kind=0)

    with pytest.raises(InvalidGraphError, match="pooling of kind 0"):
        read(file)


@pytest.mark.parametrize("op", ["Convolution", "Pooling"])
def test_images_with_channels_fastest_are_refused(op: str) -> None:
    file = BcnFile(31)
    file.input("x", 4, 4, 1)
    tail = (flag(False) + shape(1)) if op == "Convolution" else b""
    file.node(op, "n", nodes.window(file, (2, 2, 1), (1, 1, 1), kind=1, layout=0) + tail, inputs=("x",) * (2 if tail else 1))

    with pytest.raises(InvalidGraphError, match="layout HWC"):
        read(file)
