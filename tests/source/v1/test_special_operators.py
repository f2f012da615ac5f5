"""Operators that CNTK 2 lacks: what they are written in computes what they compute."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import NDShape, VariableKind
from tests.source.v1.bcn_writer import BcnFile, flag, shape, u64, wide
from tests.source.v1.evaluation import evaluate
from tests.source.v1.networks import producer, read, root_names

RANDOM = np.random.default_rng(5)


def one(op: str, *fields: bytes, leaves: dict[str, tuple[int, ...]], values: dict[str, list[float]] | None = None) -> BcnFile:
    """A file of one operator ``n`` over ``leaves`` (name -> column-major shape), those with ``values`` parameters."""
    file = BcnFile(31)
    for name, dims in leaves.items():
        if values and name in values:
            file.parameter(name, dims, values[name])
        else:
            file.input(name, *dims)
    file.node(op, "n", *fields, inputs=tuple(leaves))
    return file


def test_a_lookup_table_embeds_every_stacked_one_hot_group() -> None:
    table = RANDOM.standard_normal((4, 3)).astype(np.float32)  # Four words, three numbers each.
    file = one("LookupTable", leaves={"E": (3, 4), "words": (8,)}, values={"E": list(table.ravel())})
    one_hot = np.eye(4)[[2, 0]].ravel()

    result = evaluate(read(file), "n", words=one_hot)

    np.testing.assert_allclose(result, np.concatenate([table[2], table[0]]))


def test_a_lookup_table_that_is_computed_keeps_its_name() -> None:
    file = one("LookupTable", leaves={"E": (3, 4), "words": (8,)})
    file.node("Tanh", "T", inputs=("E",))
    file.relations[2] = ("n", ("T", "words"))

    assert producer(read(file), "n").op == "LookupTable"


def test_a_khatri_rao_product_has_the_left_index_fastest() -> None:
    file = one("KhatriRaoProduct", leaves={"a": (2,), "b": (3,)})

    result = evaluate(read(file), "n", a=[1, 10], b=[1, 2, 3])

    np.testing.assert_array_equal(result, [1, 10, 2, 20, 3, 30])


def test_a_diagonal_is_a_row_of_every_element_with_equal_indices() -> None:
    matrix = np.arange(9.0).reshape(3, 3)
    file = one("Diagonal", leaves={"m": (3, 3)}, values={"m": list(matrix.ravel())})

    result = evaluate(read(file), "n")

    # Column-major [1, 3] is row-major (3, 1).
    np.testing.assert_array_equal(result, np.diag(matrix).reshape(3, 1))


def test_the_diagonal_of_what_is_not_square_keeps_its_name() -> None:
    assert producer(read(one("Diagonal", leaves={"m": (3, 4)})), "n").op == "Diagonal"


@pytest.mark.parametrize("repeats", [1, 3])
def test_row_repeat_stacks_copies(repeats: int) -> None:
    file = one("RowRepeat", u64(repeats), leaves={"x": (2,)})

    np.testing.assert_array_equal(evaluate(read(file), "n", x=[1, 2]), [1, 2] * repeats)


def test_row_repeat_of_more_than_the_limits_allow_keeps_its_name() -> None:
    file = one("RowRepeat", u64(60_000), leaves={"x": (2,)})
    file.node("RowRepeat", "m", u64(60_000), inputs=("x",))
    model = read(file)

    assert producer(model, "n").op == "Splice"
    assert producer(model, "m").op == "RowRepeat"


def test_row_repeat_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidGraphError, match="expected at least 1 repetition"):
        read(one("RowRepeat", u64(0), leaves={"x": (2,)}))


def test_diag_times_is_an_element_wise_product() -> None:
    file = one("DiagTimes", leaves={"d": (2,), "x": (2,)}, values={"d": [2.0, 3.0]})

    np.testing.assert_array_equal(evaluate(read(file), "n", x=[1, 10]), [2, 30])


@pytest.mark.parametrize("dims", [(4,), (2, 2)])
def test_sum_column_elements_sums_the_whole_sample(dims: tuple[int, ...]) -> None:
    file = one("SumColumnElements", leaves={"x": dims})

    np.testing.assert_array_equal(evaluate(read(file), "n", x=np.reshape([1, 2, 3, 4], dims)), [10])


def test_sum_elements_is_sum_all() -> None:
    assert producer(read(one("SumElements", leaves={"x": (2,)})), "n").op == "SumAll"


def test_matrix_l1_reg_is_the_sum_of_magnitudes() -> None:
    file = one("MatrixL1Reg", leaves={"w": (2, 2)}, values={"w": [1, -2, 3, -4]})

    assert evaluate(read(file), "n") == 10


def test_matrix_l2_reg_is_the_root_of_the_sum_of_squares() -> None:
    file = one("MatrixL2Reg", leaves={"w": (2,)}, values={"w": [3, -4]})

    assert evaluate(read(file), "n") == 5


def test_cross_entropy_sums_labels_times_logarithms() -> None:
    file = one("CrossEntropy", leaves={"label": (2,), "p": (2,)})

    result = evaluate(read(file), "n", label=[0, 1], p=[0.75, 0.25])

    assert result == pytest.approx(-np.log(0.25))


def test_cross_entropy_is_a_block_of_its_name() -> None:
    function = producer(read(one("CrossEntropy", leaves={"label": (2,), "p": (2,)})), "n")

    assert function.block is not None
    assert (function.op, function.block.op_name) == ("Block", "CrossEntropy")
    assert list(function.block.arguments.values()) == ["label", "p"]


def statistics(op: str, *, computed: bool = True) -> BcnFile:
    """Normalisation by a stored mean and inverse deviation."""
    file = BcnFile(31)
    file.input("x", 2)
    file.node("Mean", "m", flag(computed), file.matrix(2, 1, [1, 2]), inputs=("x",))
    file.node("InvStdDev", "s", flag(computed), file.matrix(2, 1, [4, 0.5]), inputs=("x",))
    file.node(op, "n", inputs=("x", "m", "s"))
    return file


@pytest.mark.parametrize("op", ["PerDimMeanVarNormalization", "PerDimMeanVarNormalizationNode"])
def test_normalization_subtracts_the_mean_and_multiplies_by_the_inverse_deviation(op: str) -> None:
    np.testing.assert_allclose(evaluate(read(statistics(op)), "n", x=[3, 4]), [8, 1])


@pytest.mark.parametrize("op", ["PerDimMeanVarDeNormalization", "PerDimMeanVarDeNormalizationNode"])
def test_denormalization_is_the_inverse_of_normalization(op: str) -> None:
    np.testing.assert_allclose(evaluate(read(statistics(op)), "n", x=[8, 1]), [3, 4])


def test_computed_statistics_are_constants() -> None:
    model = read(statistics("PerDimMeanVarNormalization"))

    assert model.variables["m"].kind is VariableKind.CONSTANT
    assert model.variables["m"].shape == (2,)
    assert root_names(model) == ["n"]


def test_statistics_that_are_not_computed_keep_their_name() -> None:
    model = read(statistics("PerDimMeanVarNormalization", computed=False))

    assert producer(model, "m").op == "Mean"
    assert producer(model, "m").inputs == ("x",)


def trace(path: str) -> BcnFile:
    body = wide("m") + u64(0) * 2 + bytes(2) + wide(path) + bytes(2) + bytes(8) + u64(0) * 2
    return one("Trace", body, leaves={"x": (2,)})


def test_trace_is_the_identity_and_the_file_it_names_is_reported() -> None:
    model = read(trace("/etc/passwd"))

    assert producer(model, "n").op == "Pass"
    (hazard,) = model.hazards
    assert (hazard.kind, hazard.subject) == ("file-path", "n")
    assert "/etc/passwd" in hazard.detail


def test_a_trace_that_names_no_file_is_not_reported() -> None:
    assert read(trace("")).hazards == ()


def test_an_environment_input_keeps_its_name_and_is_reported() -> None:
    file = BcnFile(31)
    file.node("EnvironmentInput", "n", wide("HOME"))
    model = read(file)

    assert producer(model, "n").op == "EnvironmentInput"
    assert [(hazard.kind, hazard.subject) for hazard in model.hazards] == [("environment", "n")]


@pytest.mark.parametrize(
    ("rows", "stated", "expected"),
    [
        (6, (1, 2, 3), (1, 2, 3)),
        (6, (0, 2, 3), (1, 2, 3)),
        (6, (3, 0, 1), (3, 2, 1)),
        (6, (0, 0, 0), (1, 6, 1)),
        (6, (), (1, 6, 1)),
    ],
)
def test_a_legacy_reshape_of_one_sample_is_a_reshape(rows: int, stated: tuple[int, ...], expected: tuple[int, ...]) -> None:
    function = producer(read(one("LegacyReshape", u64(rows) + shape(*stated), leaves={"x": (6,)})), "n")

    assert (function.op, function.attributes) == ("Reshape", {"newShape": NDShape(expected)})


def test_a_legacy_reshape_that_cuts_samples_up_keeps_its_name() -> None:
    assert producer(read(one("LegacyReshape", u64(3) + shape(1, 3, 1), leaves={"x": (6,)})), "n").op == "LegacyReshape"


@pytest.mark.parametrize("stated", [(0, 0, 3), (0, 4, 1), (1, 2, 2)])
def test_a_legacy_reshape_that_does_not_fit_is_refused(stated: tuple[int, ...]) -> None:
    with pytest.raises(InvalidGraphError, match="does not fit 6 rows"):
        read(one("LegacyReshape", u64(6) + shape(*stated), leaves={"x": (6,)}))


@pytest.mark.parametrize("op", ["ConstantOp", "OneHot", "Padding", "RandomDistribution", "TopK", "Cast"])
def test_an_operator_whose_parameters_are_not_stored_says_so(op: str) -> None:
    found = producer(read(one(op, leaves={"x": (2,)})), "n").op

    assert found == f"{op} (its parameters are not stored in v1 files)"


@pytest.mark.parametrize(
    "op", ["ClassBasedCrossEntropyWithSoftmax", "SequenceWithSoftmax", "DummyCriterion", "EpochAccumulator", "CustomProxyOpNode"]
)
def test_an_operator_that_cannot_be_expressed_keeps_its_name_and_inputs(op: str) -> None:
    function = producer(read(one(op, leaves={"x": (2,), "y": (2,)})), "n")

    assert (function.op, function.inputs) == (op, ("x", "y"))


def test_a_cast_of_stated_types_is_a_cast() -> None:
    file = one("Cast", leaves={"x": (2,)})
    file.nodes[1] = (*file.nodes[1][:3], "double,float")

    function = producer(read(file), "n")

    assert (function.op, function.attributes) == ("Cast", {"newDataType": 2})
