"""What each operator stores: every one of them, and the fields that hostile files state wrongly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import DataType
from bridge.limits import DEFAULT_LIMITS
from bridge.source.v1.document import read_raw
from bridge.source.v1.layouts import LAYOUTS, OLD_SPELLINGS
from bridge.source.v1.mapping import RULES
from bridge.source.v1.raw import RawNode
from tests.source.v1 import bcn_nodes as nodes
from tests.source.v1.bcn_writer import BcnFile, f32, f64, flag, i32, i64, image, numbers, shape, u32, u64, wide

LEAVES = {"LearnableParameter", "InputValue", "SparseInputValue"}


def raw_nodes(file: BcnFile) -> dict[str, RawNode]:
    return dict(read_raw(memoryview(file.build()), DEFAULT_LIMITS).nodes)


def raw_node(op: str, *fields: bytes, version: int = 31, double: bool = False) -> RawNode:
    """A node of ``op`` with ``fields``, alone in a file."""
    file = BcnFile(version, double)
    file.node(op, "n", *fields)
    return raw_nodes(file)["n"]


def test_every_operator_that_can_be_read_has_a_rule() -> None:
    assert LAYOUTS.keys() - LEAVES == RULES.keys()


@pytest.mark.parametrize("op", sorted(name for name, layout in LAYOUTS.items() if not layout))
def test_an_operator_without_fields_is_read(op: str) -> None:
    assert raw_node(op).fields == {}


@pytest.mark.parametrize(("old", "new"), sorted(OLD_SPELLINGS.items()))
def test_an_old_spelling_stands_for_the_new_one(old: str, new: str) -> None:
    fields = {
        "PastValue": i32(1) + shape(2) + f32(0),
        "OptimizedRNNStack": u64(1) + u64(1) + u64(4) + wide("lstm") + i32(-1),
        "Slice": i32(1) + i64(0) + i64(1) + i32(1) + i32(1),
        "TransposeDimensions": i32(1) + i32(2),
    }

    assert raw_node(old, fields.get(new, b"")).op == new


@pytest.mark.parametrize(
    ("op", "body", "expected"),
    [
        ("QuantizedTimes", u64(1) + i32(-1) + u64(3) + u64(4), {"bitShiftA": 3, "bitShiftB": 4}),
        ("RandomSample", flag(True) + u64(5) + u64(1) + u64(2), {"allowDuplicates": True, "numSamples": 5, "rngOffset": 2}),
        ("EyeLikeOp", flag(True), {"outputSparse": True}),
        ("Shift", i32(-1) + i32(2) + i32(3), {"fromOffset": -1, "boundaryMode": 2, "dim": 3}),
        ("EnvironmentInput", wide("HOME"), {"propertyName": "HOME"}),
        ("RowRepeat", u64(3), {"numRepeats": 3}),
        ("Reshape", i32(1) + i32(0) + shape(2, 0), {"beginAxis": 1, "endAxis": 0, "shape": (2, 0)}),
        ("LegacyReshape", u64(6) + shape(1, 2, 3), {"rows": 6, "shape": (1, 2, 3)}),
        ("Crop", f64(1) + f64(2), {"xOffset": 1.0, "yOffset": 2.0}),
        ("Where", wide("axis"), {"axis": "axis"}),
        ("ToSequence", wide("axis"), {"axis": "axis"}),
        ("UnpackSequence", f32(-1) + flag(True), {"paddingValue": -1.0, "suppressMask": True}),
        ("OptimizedRNNStack", u64(1) + u64(2) + u64(8) + wide("gru") + i32(2), {"bidirectional": 1, "recurrentOp": "gru"}),
        ("ROIPooling", shape(3, 4) + i32(2) + f64(0.5), {"outputShape": (3, 4), "poolKind": 2, "spatialScale": 0.5}),
        (
            "EditDistanceError",
            f32(1) + f32(2) + f32(3) + flag(True) + numbers(7, 8),
            {"insertionPenalty": 3.0, "squashInputs": True, "tokensToIgnore": (7, 8)},
        ),
        ("ForwardBackward", i32(-1) + u64(9), {"delayConstraint": -1, "blankTokenId": 9}),
        ("NCEBasedCrossEntropyWithSoftmax", i32(2), {"evaluationMode": 2}),
        ("NCEBasedCrossEntropyWithSoftmax", b"", {}),
        (
            "Trace",
            b"".join(
                [
                    *(wide("m"), u64(1), u64(2), flag(True), flag(False), wide("labels.txt"), flag(False), flag(False)),
                    *(b"%d\0", b"\0", b"\0", b"\0", b"\0", b"\0", b"\0", b"end\0", u64(3), u64(4)),
                ]
            ),
            {"labelMappingFile": "labels.txt", "format1": "%d", "format8": "end", "onlyUpToT": 4},
        ),
        (
            "LatticeSequenceWithSoftmax",
            b"".join([*map(wide, "abcde"), *(f64(number) for number in range(6)), flag(True), flag(False)]),
            {"latticeConfigPath": "e", "frameDropThreshold": 0.0, "bmmiFactor": 5.0, "usesMBR": True, "doReferenceAlign": False},
        ),
    ],
)
def test_fields_are_read(op: str, body: bytes, expected: dict[str, object]) -> None:
    fields = raw_node(op, body).fields

    assert {key: fields[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("op", "version", "body", "expected"),
    [
        ("Where", 10, b"", {"axis": ""}),
        ("ROIPooling", 25, shape(3, 4), {"poolKind": 1, "spatialScale": 1 / 16}),
        ("OptimizedRNNStack", 13, u64(0) + u64(1) + u64(8) + wide("LSTM"), {"recurrentOp": "LSTM"}),
        ("ReduceElements", 23, i32(2) + wide("Max"), {"axes": (2,), "keepDimensions": True}),
        ("ReduceElements", 23, i32(-1) + wide("Max"), {"axes": (-1,), "keepDimensions": False}),
        ("ReduceElements", 27, i32(2) + i32(1) + i32(3) + wide("Max") + flag(True), {"axes": (1, 3)}),
        ("Slice", 22, i32(2) + i64(0) + i64(2) + i32(1) + i64(-3) + i64(2) + i32(2), {"begins": (0, -3), "ends": (2, -1)}),
        ("Slice", 27, i32(1) + i64(0) + i64(2) + i32(1) + i32(-1), {"strides": (-1,)}),
        ("TransposeDimensions", 25, i32(0) + i32(0) + numbers(2, 0, 1), {"permutation": (2, 0, 1)}),
        ("TransposeDimensions", 24, i32(2) + i32(3), {"permutation": (), "axis2": 3}),
        ("Dropout", 16, u64(3) + u64(4), {"rngSeed": 3, "rngOffset": 4}),
        ("LegacyReshape", 7, u64(6) + image(2, 3, 1), {"shape": (1, 2, 3)}),
        ("AveragePooling", 1, u32(2) + u32(1) + u64(3) + u64(4) + u64(5), {"windowWidth": 2, "windowHeight": 3, "strideY": 5}),
    ],
)
def test_fields_of_older_versions_are_read(op: str, version: int, body: bytes, expected: dict[str, object]) -> None:
    fields = raw_node(op, body, version=version).fields

    assert {key: fields[key] for key in expected} == expected


def test_the_elements_of_a_node_follow_its_precision() -> None:
    assert raw_node("UnpackSequence", f64(0.1) + flag(False), double=True).fields["paddingValue"] == 0.1


def test_all_window_fields_are_read_in_order() -> None:
    file = BcnFile(31)
    file.node("Pooling", "n", nodes.window(file, (2, 3, 1), (2, 1, 1), maps=4, pad=True, kind=2))

    fields = raw_nodes(file)["n"].fields

    assert fields == {
        "kernel": (2, 3, 1),
        "mapCount": (4,),
        "stride": (2, 1, 1),
        "sharing": (True, True, True),
        "autoPadding": (True, True, False),
        "lowerPad": (0, 0, 0),
        "upperPad": (0, 0, 0),
        "poolKind": 2,
        "imageLayout": 1,
        "maxTempMem": 0,
        "transpose": False,
        "outputShape": (0,),
        "ceilOutDim": False,
        "includePad": False,
    }


@pytest.mark.parametrize(
    ("writer", "epsilon", "constant"),
    [(0x00010001, 0.0, 0.0), (0x00010002, 0.0, 0.0), (0x00010003, 0.5, 0.0), (0x00010004, 0.5, 3.0)],
)
def test_the_inner_versions_of_old_batch_normalizations_are_read(writer: int, epsilon: float, constant: float) -> None:
    body = i32(writer) + i32(0x00010001) + flag(False) + flag(True) + f64(3.0)
    body += i32(1) + u64(9) if writer >= 0x00010002 else b""
    body += f64(0.5) + flag(False) if writer >= 0x00010003 else b""

    fields = raw_node("BatchNormalization", body, version=5).fields

    assert fields["epsilon"] == epsilon
    assert fields["normalizationTimeConstant"] == constant
    assert fields["useCntkEngine"] is (writer < 0x00010003)


@pytest.mark.parametrize(("writer", "readable"), [(0x00010005, 0x00010001), (0x00010002, 0x00010003), (0, 0), (-1, -1)])
def test_an_unknown_inner_version_of_a_batch_normalization_is_refused(writer: int, readable: int) -> None:
    with pytest.raises(InvalidModelError, match="version of a batch normalisation is out of range"):
        raw_node("BatchNormalization", i32(writer) + i32(readable) + bytes(40), version=5)


def test_a_pooling_before_version_5_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="expected version 5 or later; found version 4"):
        raw_node("Pooling", bytes(100), version=4)


def test_the_old_form_of_an_input_shape_is_read() -> None:
    file = BcnFile(7)
    file.node("InputValue", "x", u64(0), u64(1), image(5, 4, 3))

    assert raw_nodes(file)["x"].fields["shape"] == (3, 5, 4)


def test_the_old_form_of_a_parameter_shape_is_read_with_its_columns() -> None:
    file = BcnFile(2)
    file.node("LearnableParameter", "w", flag(False), u64(0), u64(2), image(1, 2, 3), file.matrix(6, 2, range(12)))

    fields = raw_nodes(file)["w"].fields

    assert (fields["shape"], fields["learningRate"]) == ((3, 1, 2, 2), 0.0)


def test_a_shape_of_rank_0_is_read_from_version_8_on() -> None:
    file = BcnFile(8)
    file.input("x")

    assert raw_nodes(file)["x"].fields["shape"] == ()


def test_a_cast_states_both_of_its_types() -> None:
    file = BcnFile(31)
    file.node("Cast", "c", precision="double,float")

    node = raw_nodes(file)["c"]

    assert (node.data_type, node.source_type) == (DataType.DOUBLE, DataType.FLOAT)


def test_weights_are_views_of_the_file() -> None:
    file = BcnFile(31)
    file.parameter("w", (3, 5), range(15))
    data = file.build()
    buffer = np.frombuffer(data, np.uint8)

    matrix = read_raw(memoryview(data), DEFAULT_LIMITS).nodes["w"].matrix("value")

    assert np.shares_memory(matrix.values, buffer)
    assert not matrix.values.flags.writeable
    assert data[matrix.offset : matrix.offset + 60] == matrix.values.tobytes()


def parameter(*parts: bytes) -> BcnFile:
    """A file of version 31 with a parameter of shape [2, 3], the given bytes its matrix."""
    file = BcnFile(31)
    file.node("LearnableParameter", "w", f32(1), shape(2, 3), *parts)
    return file


def matrix(
    *, kind: bytes = b"d", size: int = 4, form: int = 0, rows: int = 2, columns: int = 3, values: bytes = bytes(24)
) -> bytes:
    head = kind + wide("BMAT") + u64(size) + wide("unnamed") + i32(form) + u64(rows) + u64(columns)
    return head + values + wide("EMAT")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (matrix(kind=b"s"), "a matrix is not dense"),
        (matrix(kind=b"x"), "a matrix is not dense"),
        (matrix(form=6), "a matrix is not dense column-major"),
        (matrix(size=8), r"element size of a matrix does not fit its node .*expected 4 bytes \(float\); found 8"),
        (matrix(size=2), "element size of a matrix does not fit its node"),
        (matrix(rows=3, columns=3, values=bytes(36)), r"does not fit its shape .*expected 6 elements .*found 3 x 3"),
        (matrix(rows=2, columns=1 << 30), "the file ends too early"),
        (matrix(values=bytes(20)), "EMAT"),
    ],
)
def test_a_matrix_that_cannot_be_right_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        raw_nodes(parameter(body))


@pytest.mark.parametrize(("rows", "columns"), [(1 << 63, 2), (1 << 33, 1 << 33), (1 << 32, 1 << 32)])
def test_a_matrix_whose_size_overflows_is_refused(rows: int, columns: int) -> None:
    with pytest.raises(LimitExceededError, match="too many tensor elements"):
        raw_nodes(parameter(matrix(rows=rows, columns=columns)))


def test_half_precision_is_refused() -> None:
    file = BcnFile(31)
    file.node("LearnableParameter", "w", f32(1), shape(2), matrix(size=2, columns=1, values=bytes(8)), precision="half")

    with pytest.raises(InvalidModelError, match="half precision cannot be read"):
        raw_nodes(file)


def test_mixed_element_sizes_before_version_7_are_refused() -> None:
    file = BcnFile(6)
    file.parameter("v", (2,), [1, 2])
    file.double = True
    file.parameter("w", (2,), [1, 2])

    with pytest.raises(InvalidModelError, match="element size of a matrix does not fit its node"):
        raw_nodes(file)


@pytest.mark.parametrize(
    ("op", "body", "version", "message"),
    [
        ("EyeLikeOp", b"\x02", 31, "a truth value is neither 0 nor 1"),
        ("MaxPooling", u32(2) + u32(2) + u64(2) * 3, 31, "a value is out of range .*imageLayout.* expected 0 or 1; found 2"),
        ("ROIPooling", shape(1) + i32(0) + f64(1), 31, "a value is out of range .*poolKind"),
        ("OptimizedRNNStack", u64(2) + u64(1) + u64(1) + wide("lstm") + i32(2), 31, "a value is out of range .*bidirectional"),
        ("OptimizedRNNStack", u64(0) + u64(1) + u64(1) + wide("lstm") + i32(1), 31, "a value is out of range .*axis"),
        ("Slice", i32(0), 31, "a number of axes is not positive"),
        ("Slice", i32(-5), 31, "a number of axes is not positive"),
        ("InputValue", u64(0) + u64(0) + shape(1) + u32(2) + wide("a") + wide("b"), 31, "several dynamic axes"),
        ("EditDistanceError", f32(0) * 3 + flag(True) + u64(1000), 31, "a count exceeds the rest of the file"),
        ("Trace", wide("m") + u64(0) * 2 + bytes(2) + wide("f") + bytes(2) + b"%" * 5000, 31, "a string has no end"),
    ],
)
def test_a_field_that_cannot_be_right_is_refused(op: str, body: bytes, version: int, message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        raw_node(op, body, version=version)


@pytest.mark.parametrize(
    ("op", "body"),
    [
        ("Slice", i32(1_000_000)),
        ("ReduceElements", i32(33)),
        ("TransposeDimensions", i32(0) + i32(0) + u64(1 << 62)),
        ("Reshape", i32(0) + i32(0) + u32(0xFFFFFFFF)),
        ("Reshape", i32(0) + i32(0) + shape(*[0xFFFFFFFF] * 4)),
        ("EditDistanceError", f32(0) * 3 + flag(True) + u64(1 << 60)),
        ("Pooling", shape(2) + shape(1) + shape(1) + u64(1 << 60)),
        ("LegacyReshape", u64(1) + image(1 << 30, 1 << 30, 1)),
    ],
)
def test_a_count_beyond_the_limits_is_refused(op: str, body: bytes) -> None:
    with pytest.raises(LimitExceededError):
        raw_node(op, body, version=31 if op != "LegacyReshape" else 7)


def test_not_a_number_is_a_legal_weight() -> None:
    file = BcnFile(31)
    file.parameter("w", (2,), [math.nan, math.inf])

    assert np.isnan(raw_nodes(file)["w"].matrix("value").values[0])
