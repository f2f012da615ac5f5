"""Functions, blocks, user code and how they refer to each other."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from bridge.errors import InvalidModelError, LimitExceededError, UnsupportedVersionError
from bridge.graph.model import Block, VariableKind
from bridge.graph.operators import OPERATORS
from bridge.limits import DEFAULT_LIMITS
from tests.source.v2.models import block, composite, constant, function, input_, parameter, placeholder, read, small_model
from tests.source.v2.wire_writer import Size, Value


def test_small_model_is_read_whole() -> None:
    model = read(small_model(name="net"))
    assert (model.format, model.format_version, model.name, model.root) == (
        "v2",
        "dictionary 2, composite 3, function 24",
        "net",
        "Plus1",
    )
    plus = model.functions["Plus1"]
    assert (plus.op, plus.inputs, plus.outputs, plus.name, dict(plus.attributes)) == (
        "Plus",
        ("x", "w"),
        ("Plus1_Output_0",),
        "",
        {},
    )
    assert {uid: leaf.kind for uid, leaf in model.variables.items()} == {"x": VariableKind.INPUT, "w": VariableKind.PARAMETER}
    assert model.hazards == ()


@pytest.mark.parametrize(
    ("op", "attributes", "count"),
    [
        ("Tanh", {}, 1),
        ("TopK", {"numItems": Size(1)}, 2),
        ("UnpackSequence", {}, 2),
        ("UnpackSequence", {"sequenceUnpackSuppressMaskOutput": False}, 2),
        ("UnpackSequence", {"sequenceUnpackSuppressMaskOutput": True}, 1),
        ("Combine", {}, 0),
    ],
)
def test_outputs_of_an_operator_are_counted(op: str, attributes: dict[str, Value], count: int) -> None:
    model = read(composite("F", [input_()], [function("F", op, ["x"], attributes)]))
    assert model.functions["F"].outputs == tuple(f"F_Output_{index}" for index in range(count))


def test_consumer_may_stand_before_its_producer() -> None:
    functions = [function("B", "Tanh", ["A_Output_0"]), function("A", "Tanh", ["x"])]
    assert read(composite("B", [input_()], functions)).functions["B"].inputs == ("A_Output_0",)


def test_output_of_combine_is_never_an_input() -> None:
    functions = [function("C", "Combine", ["x"]), function("F", "Tanh", ["C_Output_0"])]
    with pytest.raises(InvalidModelError, match="does not exist"):
        read(composite("F", [input_()], functions))


@pytest.mark.parametrize("op", [98, 197, 208, 1 << 40])
def test_unknown_operator_is_refused_by_number(op: int) -> None:
    with pytest.raises(InvalidModelError, match="unknown operator") as caught:
        read(composite("F", [input_()], [function("F", op, ["x"])]))
    assert caught.value.found == str(op)


def test_every_operator_has_an_id_up_to_97() -> None:
    assert sorted(OPERATORS) == list(range(98))


@pytest.mark.parametrize("version", [0, 25])
def test_unknown_version_of_functions_is_refused(version: int) -> None:
    with pytest.raises(UnsupportedVersionError, match=f"version {version} of functions"):
        read(composite("F", [input_()], [function("F", "Tanh", ["x"], version=Size(version))]))


@pytest.mark.parametrize("version", [0, 4])
def test_unknown_version_of_composites_is_refused(version: int) -> None:
    with pytest.raises(UnsupportedVersionError, match=f"version {version} of composite functions"):
        read(small_model(version=Size(version)))
    inner: dict[str, Value] = {"version": Size(version), "type": "CompositeFunction", "uid": "C", "root": "F"}
    functions = [function("F", "Tanh", ["x"]), block("B", "F", {}, block_function_composite=inner)]
    with pytest.raises(UnsupportedVersionError, match=f"version {version} of composite functions"):
        read(composite("B", [input_()], functions))


def test_another_type_of_function_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="unknown type of object"):
        read(composite("F", [input_()], [function("F", "Tanh", ["x"], type="NativeFunction")]))


@pytest.mark.parametrize("key", ["version", "type", "uid", "op", "attributes", "inputs"])
def test_missing_key_of_a_function_is_refused(key: str) -> None:
    record = function("F", "Tanh", ["x"])
    del record[key]
    with pytest.raises(InvalidModelError, match="a value is missing") as caught:
        read(composite("F", [input_()], [record]))
    assert key in str(caught.value.field)


def test_missing_input_is_refused_by_name() -> None:
    with pytest.raises(InvalidModelError, match="does not exist") as caught:
        read(composite("F", [input_()], [function("F", "Plus", ["x", "nowhere"])]))
    assert (caught.value.field, caught.value.found) == ("F", "'nowhere'")


@pytest.mark.parametrize("root", ["nowhere", "x", "Plus1_Output_0"])
def test_root_that_is_not_a_function_is_refused(root: str) -> None:
    with pytest.raises(InvalidModelError, match="root of the model"):
        read(small_model(root=root))


def test_same_function_uid_twice_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="same uid"):
        read(composite("F", [input_()], [function("F", "Tanh", ["x"])] * 2))


@pytest.mark.parametrize("second", ["A_Output_0", "x"])
def test_function_uid_that_means_something_else_is_refused(second: str) -> None:
    functions = [function("A", "Tanh", ["x"]), function(second, "Tanh", ["x"])]
    with pytest.raises(InvalidModelError, match="stands for two things"):
        read(composite("A", [input_()], functions))


def test_leaf_with_the_uid_of_an_output_is_refused() -> None:
    leaves = [input_(), constant("F_Output_0", np.zeros(2, np.float32))]
    with pytest.raises(InvalidModelError, match="stands for two things"):
        read(composite("F", leaves, [function("F", "Tanh", ["x"])]))


def test_placeholder_with_the_uid_of_an_output_gives_way_to_it() -> None:
    functions = [function("P", "PastValue", ["F_Output_0", "x"], {"offset": Size(1)}), function("F", "Plus", ["x", "P_Output_0"])]
    model = read(composite("F", [input_(), placeholder("F_Output_0")], functions))
    assert set(model.variables) == {"x"}
    assert model.functions["P"].inputs == ("F_Output_0", "x")
    assert model.hazards == ()


def test_unbound_placeholder_is_kept_and_reported() -> None:
    model = read(composite("F", [placeholder("p")], [function("F", "Tanh", ["p"])]))
    assert model.variables["p"].kind is VariableKind.PLACEHOLDER
    assert [(hazard.kind, hazard.subject) for hazard in model.hazards] == [("unbound-placeholder", "p")]


def dense(uid: str = "B") -> list[dict[str, Value]]:
    """A block around p * w + b, applied to x."""
    return [
        function("T", "Times", ["w", "p"], {"outputRank": Size(1)}),
        function("I", "Plus", ["T_Output_0", "b"]),
        block(uid, "I", {"p": "x"}),
    ]


LEAVES = [input_(), parameter("w", np.zeros((2, 2), np.float32)), parameter("b", np.zeros(2, np.float32)), placeholder("p")]


def test_block_is_read_with_its_arguments() -> None:
    model = read(composite("B", LEAVES, dense()))
    found = model.functions["B"]
    assert (found.op, found.block, found.outputs) == ("Block", Block("Dense", "I", {"p": "x"}), ("B_Output_0",))
    assert model.variables["p"].kind is VariableKind.PLACEHOLDER
    assert model.hazards == ()


@pytest.mark.parametrize("order", [1, -1])
def test_block_has_the_outputs_of_its_inner_root(order: int) -> None:
    functions = [
        function("F", "Tanh", ["x"]),
        function("C", "Combine", ["F_Output_0", "x", "F_Output_0"]),
        block("Inner", "C", {}),
        block("Outer", "Inner", {}),
        function("Top", "TopK", ["x"], {"numItems": Size(1)}),
        block("OfTop", "Top", {}),
        function("All", "Combine", ["Outer_Output_2", "OfTop_Output_1"]),
    ]
    found = read(composite("All", [input_()], functions[::order])).functions
    assert found["Outer"].outputs == ("Outer_Output_0", "Outer_Output_1", "Outer_Output_2")
    assert found["OfTop"].outputs == ("OfTop_Output_0", "OfTop_Output_1")


@pytest.mark.parametrize("size", [1, 2, 5])
def test_block_that_contains_itself_is_refused(size: int) -> None:
    functions = [block(f"B{n}", f"B{(n + 1) % size}", {}) for n in range(size)]
    with pytest.raises(InvalidModelError, match="contains itself"):
        read(composite("B0", [input_()], functions))


def test_block_without_its_root_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="root of a block"):
        read(composite("B", [input_()], [block("B", "nowhere", {})]))


def test_block_that_has_its_own_output_for_an_argument_is_refused() -> None:
    functions = [function("F", "Tanh", ["p"]), block("B", "F", {"p": "B_Output_0"})]
    with pytest.raises(InvalidModelError, match="its own output"):
        read(composite("B", [placeholder("p")], functions))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p": "nowhere"}, "does not exist"),
        ({"x": "x"}, "not a placeholder"),
        ({"nowhere": "x"}, "not a placeholder"),
    ],
)
def test_block_argument_that_does_not_resolve_is_refused(arguments: dict[str, str], message: str) -> None:
    functions = [function("F", "Tanh", ["p"]), block("B", "F", arguments, inputs=[])]
    with pytest.raises(InvalidModelError, match=message):
        read(composite("B", [input_(), placeholder("p")], functions))


@pytest.mark.parametrize(("keys", "values"), [(["p"], []), (["p"], ["x", "x"]), (["p", "p"], ["x", "x"])])
def test_block_arguments_that_do_not_pair_up_are_refused(keys: list[str], values: list[str]) -> None:
    record = block("B", "F", {}) | {
        "block_function_composite_arguments_map_keys": keys,
        "block_function_composite_arguments_map_values": values,
    }
    with pytest.raises(InvalidModelError, match="do not pair up"):
        read(composite("B", [input_(), placeholder("p")], [function("F", "Tanh", ["p"]), record]))


def test_outputs_of_many_blocks_around_one_wide_combine_are_bounded() -> None:
    """A small file could otherwise ask for billions of uids."""
    limits = dataclasses.replace(DEFAULT_LIMITS, variables=10_000)
    functions = [function("C", "Combine", ["x"] * 1000), *(block(f"B{n}", "C", {}) for n in range(20))]
    with pytest.raises(LimitExceededError, match="outputs"):
        read(composite("C", [input_()], functions), limits)


def test_a_chain_of_thousands_of_blocks_is_walked_once() -> None:
    count = 4000
    functions = [function("B0", "Tanh", ["x"]), *(block(f"B{n}", f"B{n - 1}", {}) for n in range(1, count))]
    start = time.process_time()
    model = read(composite(f"B{count - 1}", [input_()], functions[::-1]))
    assert model.functions["B3999"].outputs == ("B3999_Output_0",)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (dataclasses.replace(DEFAULT_LIMITS, functions=2), "functions"),
        (dataclasses.replace(DEFAULT_LIMITS, variables=3), "variables"),
        (dataclasses.replace(DEFAULT_LIMITS, function_inputs=1), "inputs of a function"),
        (dataclasses.replace(DEFAULT_LIMITS, file_bytes=100), "file length"),
    ],
)
def test_counts_are_bounded(limits: object, message: str) -> None:
    assert isinstance(limits, type(DEFAULT_LIMITS))
    with pytest.raises(LimitExceededError, match=message):
        read(composite("B", LEAVES, dense()), limits)
