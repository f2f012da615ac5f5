"""The vocabulary of CNTK 2: names, orders of inputs, attributes, roots."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bridge.errors import InvalidGraphError, InvalidModelError
from bridge.graph.model import INFERRED, Axis, AxisKind, NDShape, VariableKind
from bridge.graph.operators import OPERATOR_IDS
from bridge.source.v1.layouts import LAYOUTS
from bridge.source.v1.mapping import RULES
from tests.source.v1 import bcn_nodes as nodes
from tests.source.v1.bcn_writer import BcnFile, f32, f64, flag, i32, i64, numbers, shape, u32, u64, wide
from tests.source.v1.networks import convolutional, producer, read, recurrent, root_names

BATCH = Axis(AxisKind.BATCH, name="defaultBatchAxis")
SEQUENCE = Axis(AxisKind.SEQUENCE, name="defaultDynamicAxis")


def static(index: int) -> Axis:
    return Axis(AxisKind.STATIC, index)


def one(op: str, *fields: bytes, inputs: int = 1, version: int = 31) -> BcnFile:
    """A file of one operator ``n`` over inputs ``a``, ``b``, ... of shape [2, 3]."""
    file = BcnFile(version)
    names = tuple("abcdef"[:inputs])
    for name in names:
        file.input(name, 2, 3)
    file.node(op, "n", *fields, inputs=names)
    return file


@pytest.mark.parametrize("op", sorted(name for name in RULES if not LAYOUTS[name] and name != "DynamicAxis"))
def test_an_operator_becomes_one_of_cntk_2_or_keeps_a_name_that_none_has(op: str) -> None:
    found = producer(read(one(op, inputs=RULES[op].least)), "n").op

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
    function = producer(read(one(op, inputs=len(order))), "n")

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
                "axisVec": (static(0), static(1)), "beginIndexVec": (0, -2),
                "endIndexVec": (1, 0), "sliceStridesVec": (1, -1),
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
                "poolingType": 1, "poolingWindowShape": NDShape((2, 3, 1)), "strides": NDShape((4, 5, 1)),
                "autoPadding": (False,), "lowerPad": NDShape((0,)), "upperPad": NDShape((0,)),
                "ceilOutDim": False, "includePad": False,
            },
        ),
    ],
)
def test_attributes_are_those_of_a_v2_file(op: str, body: bytes, expected: dict[str, object]) -> None:
    assert producer(read(one(op, body)), "n").attributes == expected


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
                "SubstitutionPenalty": 1.0, "DeletionPenalty": 2.0, "InsertionPenalty": 3.0,
                "SquashInputs": False, "TokensToIgnore": (5,),
            },
        ),
    ],
)
def test_attributes_of_operators_with_several_inputs(op: str, body: bytes, inputs: int, expected: dict[str, object]) -> None:
    assert producer(read(one(op, body, inputs=inputs)), "n").attributes == expected


def test_the_paths_of_a_lattice_criterion_are_reported_and_kept() -> None:
    body = b"".join([*map(wide, ("sym", "", "", "", "conf")), *(f64(number) for number in range(6)), flag(True), flag(False)])
    model = read(one("LatticeSequenceWithSoftmax", body, inputs=4))

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
        read(one(op, body, inputs=inputs))


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
        read(one(op, body, inputs=inputs))


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


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ("*", (SEQUENCE, BATCH)),
        ("*anything", (SEQUENCE, BATCH)),
        ("__noSequenceAxis", (BATCH,)),
        ("", (Axis(AxisKind.SEQUENCE, name=""), BATCH)),
        ("words", (Axis(AxisKind.SEQUENCE, name="words"), BATCH)),
        (None, (Axis(AxisKind.SEQUENCE, name=""), BATCH)),
    ],
)
def test_an_input_has_the_dynamic_axes_that_its_axis_name_means(axis: str | None, expected: tuple[Axis, ...]) -> None:
    file = BcnFile(31)
    file.input("x", 2, axis=axis)
    file.node("DynamicAxis", axis or "unused")
    file.node("Abs", "n", inputs=("x",))
    model = read(file)

    assert model.variables["x"].dynamic_axes == expected
    assert {function.op for function in model.functions.values()} == {"Abs", "Combine"}


def test_a_dynamic_axis_as_an_operand_keeps_its_name() -> None:
    file = one("Abs")
    file.node("DynamicAxis", "axis")
    file.node("ReconcileDynamicAxis", "r", inputs=("a", "axis"))

    assert producer(read(file), "axis").op == "DynamicAxis"


def test_an_input_can_be_sparse_and_learnt() -> None:
    file = BcnFile(31)
    file.node("SparseInputValue", "x", u64(0) + u64(0) + shape(2) + u32(0) + f32(1))
    file.node("Abs", "n", inputs=("x",))

    variable = read(file).variables["x"]

    assert (variable.kind, variable.is_sparse, variable.needs_gradient) == (VariableKind.INPUT, True, True)


def test_the_rows_of_an_old_input_outweigh_a_shape_of_another_size() -> None:
    file = BcnFile(5)
    file.node("InputValue", "x", u64(12) + u64(1) + shape(5))
    file.node("InputValue", "y", u64(12) + u64(1) + shape(4, 3))
    file.node("Plus", "n", inputs=("x", "y"))
    variables = read(file).variables

    assert (variables["x"].shape, variables["y"].shape) == ((12,), (3, 4))


def test_names_that_cntk_2_wrapped_are_split() -> None:
    file = BcnFile(31)
    x = file.input("__v2libuid__Input3__v2libname__words", 2)
    file.node("Abs", "__v2libuid__Abs7__v2libname__", inputs=(x,))
    model = read(file)

    assert model.variables["Input3"].name == "words"
    assert (model.functions["Abs7"].name, model.functions["Abs7"].outputs) == ("", ("Abs7_Output_0",))
    assert model.functions[model.root].inputs == ("Abs7_Output_0",)


@pytest.mark.parametrize("name", ["__v2libuid__Abs7", "__v2libuid____v2libname__x"])
def test_a_name_that_is_wrapped_by_half_is_taken_as_it_is(name: str) -> None:
    file = BcnFile(31)
    file.input("x", 2)
    file.node("Abs", name, inputs=("x",))

    assert read(file).functions[name].name == name


def test_uids_differ_whatever_names_a_file_holds() -> None:
    file = BcnFile(31)
    x = file.input("n_Output_0", 2)
    for number in range(20):
        file.node("Abs", f"__v2libuid__n__v2libname__{number}", inputs=(x,))
    file.node("PastValue", "n.initial_state", i32(1) + shape(2) + f32(0), inputs=(x,))
    file.node("FutureValue", "n", i32(1) + shape(2) + f32(0), inputs=(x,))
    model = read(file)

    uids = [*model.functions, *model.variables, *(uid for function in model.functions.values() for uid in function.outputs)]
    assert len(uids) == len(set(uids))
    assert len(model.functions) == 23


def test_roots_are_outputs_then_unlisted_nodes_then_evaluations_then_criteria() -> None:
    file = BcnFile(31)
    file.input("x", 2)
    for name in ("criterion", "evaluation", "hidden", "output", "unlisted"):
        file.node("Abs", name, inputs=("x",))
    file.node("Tanh", "last", inputs=("hidden",))
    file.group("feature", "x")
    file.group("criterion", "criterion")
    file.group("evaluation", "evaluation", "criterion")
    file.group("output", "output", "hidden", "x")

    assert root_names(read(file)) == ["output", "hidden", "unlisted", "last", "evaluation", "criterion"]


def test_a_loop_that_nothing_leads_out_of_has_a_root_that_is_no_delay() -> None:
    file = BcnFile(31)
    file.input("x", 2)
    nodes.delay(file, "before", ("h",))
    nodes.plus(file, "h", "x", "before")

    assert root_names(read(file)) == ["h"]


def test_a_loop_of_delays_alone_has_a_root() -> None:
    file = BcnFile(31)
    nodes.delay(file, "before", ("before",))

    assert root_names(read(file)) == ["before"]


def test_a_delay_with_an_initial_state_keeps_it() -> None:
    file = BcnFile(31)
    file.input("x", 2)
    file.parameter("start", (2,), [1, 2])
    nodes.delay(file, "n", ("x", "start"), op="FutureValue", steps=3)
    function = producer(read(file), "n")

    assert (function.op, function.inputs, function.attributes) == ("FutureValue", ("x", "start"), {"offset": 3})


@pytest.mark.parametrize("scalar_first", [True, False])
def test_times_with_an_operand_of_rank_0_is_element_times(scalar_first: bool) -> None:
    file = BcnFile(31)
    file.input("x", 2)
    file.parameter("s", (), [2.0])
    file.node("Exp", "factor", inputs=("s",))
    operands = ("factor", "x") if scalar_first else ("x", "factor")
    nodes.times(file, "n", *operands)
    function = producer(read(file), "n")

    assert (function.op, function.inputs[0 if scalar_first else 1]) == ("ElementTimes", "factor_Output_0")
    assert function.attributes == {}


def test_times_with_operands_of_higher_rank_is_times() -> None:
    file = BcnFile(31)
    file.input("x", 1)
    file.parameter("w", (1, 1), [2.0])
    nodes.times(file, "n", "w", "x", output_rank=1)

    assert producer(read(file), "n").op == "Times"


def test_the_mask_of_unpack_sequence_is_its_second_output() -> None:
    file = BcnFile(31)
    file.input("x", 2)
    file.node("UnpackSequence", "u", f32(0) + flag(False), inputs=("x",))
    file.node("OutputMultiplexer", "mask", inputs=("u",))
    file.node("Abs", "n", inputs=("mask",))
    model = read(file)

    assert model.functions["u"].outputs == ("u_Output_0", "u_Output_1")
    assert producer(model, "n").inputs == ("u_Output_1",)


def test_a_mask_that_nothing_reads_is_a_root() -> None:
    file = BcnFile(31)
    file.input("x", 2)
    file.node("UnpackSequence", "u", f32(0) + flag(False), inputs=("x",))
    file.node("OutputMultiplexer", "mask", inputs=("u",))
    model = read(file)

    assert model.functions[model.root].inputs == ("u_Output_1",)


@pytest.mark.parametrize(("version", "stated", "order"), [(13, "RNN_TANH", ("a", "b")), (14, "rnnTanh", ("b", "a"))])
def test_the_weights_of_a_recurrent_stack_come_second_in_every_version(version: int, stated: str, order: tuple[str, str]) -> None:
    body = u64(1) + u64(2) + u64(8) + wide(stated) + (i32(2) if version >= 14 else b"")
    function = producer(read(one("OptimizedRNNStack", body, inputs=2, version=version)), "n")

    assert function.inputs == order
    assert function.attributes == {"bidirectional": True, "numLayers": 2, "hiddenSize": 8, "recurrentOp": "rnnTanh"}


def test_convolution_weights_stored_as_a_matrix_are_the_same_bytes_as_kernels() -> None:
    file = BcnFile(10)
    file.input("x", 5, 5, 2)
    file.parameter("w", (3, 18), range(54))
    nodes.convolution(file, "n", "w", "x", (3, 3, 2), 3)
    data = file.build()
    model = read(data)

    value = model.variables["w"].value
    assert value is not None
    assert value.shape == model.variables["w"].shape == (3, 2, 3, 3)
    assert np.shares_memory(value.values, np.frombuffer(data, np.uint8))


def test_convolution_weights_that_others_read_as_a_matrix_stay_one_for_them() -> None:
    file = BcnFile(10)
    file.input("x", 5, 5, 2)
    file.parameter("w", (3, 18), range(54))
    nodes.convolution(file, "n", "w", "x", (3, 3, 2), 3)
    file.node("Abs", "other", inputs=("w",))
    model = read(file)

    assert model.variables["w"].shape == (18, 3)
    assert model.variables[producer(model, "n").inputs[0]].shape == (3, 2, 3, 3)


def test_weights_of_one_dimension_without_output_channels_stay_as_they_are() -> None:
    file = BcnFile(31)
    file.input("x", 5, 2)
    file.parameter("w", (3, 2), range(6))
    file.node("Convolution", "n", nodes.window(file, (3, 2), (1, 2)) + flag(False) + shape(1), inputs=("w", "x"))

    assert read(file).variables["w"].shape == (2, 3)


def test_kernels_that_do_not_fill_the_weights_are_refused() -> None:
    file = BcnFile(2)
    file.input("x", 5, 5, 2)
    file.parameter("w", (3, 7), range(21))
    nodes.convolution(file, "n", "w", "x", (3, 3, 1), 3)

    with pytest.raises(InvalidGraphError, match="21 weights do not fill 3 kernels of 3 x 3"):
        read(file)


def shared_statistics(*epsilons: float) -> BcnFile:
    """Batch normalisations of version 12 that share their parameters."""
    file = BcnFile(12)
    file.input("x", 4, 4, 3)
    for name in ("scale", "bias", "mean", "spread"):
        file.parameter(name, (3, 1), [1, 2, 4])
    for number, epsilon in enumerate(epsilons):
        nodes.batch_normalization(file, f"n{number}", ["x", "scale", "bias", "mean", "spread"], epsilon=epsilon)
    return file


def test_shared_statistics_are_converted_once() -> None:
    model = read(shared_statistics(0.5, 0.5, 0.5))

    variances = {producer(model, f"n{number}").inputs[4] for number in range(3)}
    (variance,) = (model.variables[uid] for uid in variances)
    assert variance.value is not None
    np.testing.assert_array_equal(variance.value.values, [1.5, 0.75, 0.5625])


def test_statistics_shared_by_different_epsilons_are_refused() -> None:
    with pytest.raises(InvalidGraphError, match="another epsilon"):
        read(shared_statistics(0.5, 0.25))


def test_statistics_that_are_computed_by_the_network_cannot_be_converted() -> None:
    file = shared_statistics(0.5)
    file.node("Abs", "other", inputs=("spread",))
    file.relations[5] = ("n0", ("x", "scale", "bias", "mean", "other"))

    with pytest.raises(InvalidGraphError, match="not a parameter"):
        read(file)


def test_parameters_with_learning_rate_0_are_constants() -> None:
    variables = read(recurrent(31)).variables

    assert (variables["W"].kind, variables["W"].needs_gradient) == (VariableKind.PARAMETER, True)
    assert (variables["b"].kind, variables["b"].needs_gradient) == (VariableKind.CONSTANT, False)


def test_reading_twice_gives_equal_models() -> None:
    data = convolutional(31).build()

    assert list(read(data).functions.values()) == list(read(data).functions.values())
