"""From nodes to a model: variables, uids, roots, and what one node's translation has to do with another's."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import Axis, AxisKind, NDShape, VariableKind
from tests.source.v1 import bcn_nodes as nodes
from tests.source.v1.bcn_writer import BcnFile, f32, flag, i32, shape, u32, u64, wide
from tests.source.v1.networks import convolutional, operator, producer, read, recurrent, root_names

BATCH = Axis(AxisKind.BATCH, name="defaultBatchAxis")
SEQUENCE = Axis(AxisKind.SEQUENCE, name="defaultDynamicAxis")


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
    file = operator("Abs")
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
    function = producer(read(operator("OptimizedRNNStack", body, inputs=2, version=version)), "n")

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


def two_dimensional(*, kernel: tuple[int, ...], stride: tuple[int, ...], matrix: bool = True) -> BcnFile:
    """A convolution of version 31 in the form for two dimensions: weights for 3 maps over 2 channels."""
    file = BcnFile(31)
    file.input("x", 5, 5, 2)
    file.parameter("w", (3, 18) if matrix else (3, 3, 2, 3), range(54))
    file.node("Convolution", "n", nodes.window(file, kernel, stride, maps=3), flag(True), shape(1), inputs=("w", "x"))
    return file


def test_the_two_dimensional_form_says_nothing_of_channels() -> None:
    attributes = producer(read(two_dimensional(kernel=(3, 3), stride=(2,))), "n").attributes

    assert attributes["kernelShape"] == NDShape((3, 3, 2))
    assert attributes["strides"] == NDShape((2, 2, 2))
    assert attributes["lowerPad"] == attributes["upperPad"] == NDShape((0, 0, 0))
    assert attributes["autoPadding"] == (False, False, False)


@pytest.mark.parametrize(("kernel", "stride", "matrix"), [((3,), (1,), True), ((3, 3), (), True), ((3, 3), (1, 1), False)])
def test_a_two_dimensional_form_without_its_two_dimensions_is_refused(
    kernel: tuple[int, ...], stride: tuple[int, ...], matrix: bool
) -> None:
    with pytest.raises(InvalidGraphError, match="width and height"):
        read(two_dimensional(kernel=kernel, stride=stride, matrix=matrix))


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
