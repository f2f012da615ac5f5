"""Inputs and outputs held against the signed interface: what departs from it is named, with what was expected and found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bridge.errors import InvalidInputError, ModelFailedError
from bridge.package.interface import Bound, Interface, ServingLimits, Tensor
from bridge.runtime.contract.finiteness import all_finite
from bridge.runtime.contract.inputs import InputContract
from bridge.runtime.contract.outputs import OutputContract
from bridge.runtime.warm_up import smallest_inputs

INTERFACE = Interface(
    kind="onnx",
    model_files=("model.onnx",),
    inputs=(
        Tensor("words", "float32", ("N", "T", 3), lengths="lengths", finite=True),
        Tensor("tag", "int64", ("N",), minimum=0, maximum=9),
        Tensor("gain", "float64", (), minimum=0.5, maximum=2.0),
        Tensor("lengths", "int64", ("N",), optional=True, lengths_of="T"),
    ),
    outputs=(Tensor("y", "float32", ("N",)),),
    symbols={"N": Bound(1, 4, "batch"), "T": Bound(2, 8, "steps")},
    limits=ServingLimits(input_bytes=400),
)


def call(**changes: Any) -> dict[str, Any]:
    sound: dict[str, Any] = {
        "words": np.zeros((2, 5, 3), np.float32),
        "tag": np.array([0, 9]),
        "gain": np.array(1.0),
        "lengths": np.array([5, 1]),
    }
    return {name: value for name, value in {**sound, **changes}.items() if value is not Ellipsis}


def check(inputs: Mapping[str, Any]) -> Mapping[str, int]:
    contract = InputContract(INTERFACE)
    _, binding = contract.check(inputs)
    return binding.extents


def test_sound_inputs_bind_the_symbols() -> None:
    assert check(call()) == {"N": 2, "T": 5}


def test_arrays_are_handed_on_as_they_are() -> None:
    inputs = call()
    feeds, _ = InputContract(INTERFACE).check(inputs)
    assert all(feeds[name] is inputs[name] for name in inputs)


def test_optional_lengths_may_be_left_out() -> None:
    assert check(call(lengths=...)) == {"N": 2, "T": 5}


NAN, INF = np.float32(np.nan), np.float32(np.inf)


@pytest.mark.parametrize(
    ("changes", "name", "expected", "found"),
    [
        ({"words": ...}, "words", r"float32 \[N, T, 3\]", "nothing of that name"),
        ({"words": None}, "words", "a numpy array", "None"),
        ({"more": np.zeros(1)}, "more", "one of the inputs", "does not have"),
        ({"words": [[[0.0] * 3] * 5] * 2}, "words", "a numpy array", "list; lists and other containers are not converted"),
        ({"words": np.ma.zeros((2, 5, 3), np.float32)}, "words", "a numpy array", "MaskedArray; subclasses"),
        ({"words": np.zeros((2, 5, 3))}, "words", "elements of type float32", "float64"),
        ({"words": np.zeros((2, 5, 3), ">f4")}, "words", "elements of type float32", ">f4"),
        ({"tag": np.array(["a", "b"], object)}, "tag", "elements of type int64", "object"),
        ({"words": np.zeros((5, 3), np.float32)}, "words", r"the shape \[N, T, 3\]", r"\(5, 3\)"),
        ({"words": np.zeros((2, 5, 4), np.float32)}, "words", r"the shape \[N, T, 3\]", r"\(2, 5, 4\)"),
        ({"words": np.zeros((2, 1, 3), np.float32)}, "words", "T from 2 to 8", r"\(2, 1, 3\)"),
        ({"words": np.zeros((0, 5, 3), np.float32)}, "words", "N from 1 to 4", r"\(0, 5, 3\)"),
        ({"words": np.zeros((5, 5, 3), np.float32)}, "words", "N from 1 to 4", r"\(5, 5, 3\)"),
        ({"tag": np.array([0, 1, 2])}, "tag", "N = 2, as in the inputs before it", r"\(3,\)"),
        ({"words": np.full((2, 5, 3), NAN)}, "words", "finite numbers", r"nan at \[0, 0, 0\]"),
        ({"words": np.full((2, 5, 3), -INF)}, "words", "finite numbers", "-inf"),
        ({"tag": np.array([0, 10])}, "tag", "values from 0 to 9", "10"),
        ({"tag": np.array([-1, 3])}, "tag", "values from 0 to 9", "-1"),
        ({"gain": np.array(np.nan)}, "gain", "values from 0.5 to 2", "nan"),
        ({"gain": np.array(2.5)}, "gain", "values from 0.5 to 2", "2.5"),
        ({"lengths": np.array([6, 1])}, "lengths", "lengths from 1 to T = 5", "6"),
        ({"lengths": np.array([0, 1])}, "lengths", "lengths from 1 to T = 5", "0"),
        ({"words": np.zeros((4, 8, 3), np.float32), "tag": np.zeros(4, int), "lengths": ...}, "", "at most 400 bytes", "424"),
    ],
)
def test_departure_is_named_with_what_was_expected_and_found(
    changes: dict[str, Any], name: str, expected: str, found: str
) -> None:
    with pytest.raises(InvalidInputError, match=rf"expected .*{expected}.*; found .*{found}") as refused:
        check(call(**changes))
    assert refused.value.name == name


def test_shapes_that_were_sound_once_are_still_checked_for_values() -> None:
    contract = InputContract(INTERFACE)
    contract.check(call())
    with pytest.raises(InvalidInputError, match="finite"):
        contract.check(call(words=np.full((2, 5, 3), NAN)))
    with pytest.raises(InvalidInputError, match="lengths from 1"):
        contract.check(call(lengths=np.array([9, 9])))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"words": ...}, id="missing"),
        pytest.param({"words": None}, id="None"),
        pytest.param({"more": np.zeros(2, np.float32)}, id="unknown"),
        pytest.param({"tag": ..., "other": np.array([0, 9])}, id="another name"),
        pytest.param({"words": np.zeros((2, 5, 3))}, id="another type"),
        pytest.param({"words": np.zeros((2, 5, 3), ">f4")}, id="another byte order"),
        pytest.param({"words": np.ma.zeros((2, 5, 3), np.float32)}, id="a subclass"),
        pytest.param({"words": [[0.0]]}, id="a list"),
        pytest.param({"words": np.zeros((2, 9, 3), np.float32)}, id="another shape"),
        pytest.param({"tag": np.array([0])}, id="a shape that goes with no other"),
        pytest.param({"words": np.full((2, 5, 3), np.nan, np.float32)}, id="not finite"),
        pytest.param({"tag": np.array([0, 10])}, id="out of range"),
        pytest.param({"gain": np.array(np.nan)}, id="one value that is no number"),
        pytest.param({"lengths": np.array([5, 6])}, id="a length beyond the extent"),
        pytest.param(dict.fromkeys(call(), ...), id="nothing at all"),
    ],
)
def test_a_call_is_refused_in_the_same_words_after_one_that_was_sound(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as at_first:
        InputContract(INTERFACE).check(call(**changes))
    contract = InputContract(INTERFACE)
    for _ in range(2):
        contract.check(call())
    with pytest.raises(InvalidInputError) as then:
        contract.check(call(**changes))
    assert str(then.value) == str(at_first.value)


def test_arrays_of_a_second_call_are_handed_on_and_its_mapping_is_not() -> None:
    contract = InputContract(INTERFACE)
    contract.check(call())
    inputs = call()
    feeds, binding = contract.check(inputs)
    assert all(feeds[name] is inputs[name] for name in inputs)
    assert feeds is not inputs
    assert binding.extents == {"N": 2, "T": 5}


@pytest.mark.parametrize(
    ("length", "sound"), [(1, True), (5, True), (0, False), (6, False), (-(2**63), False)], ids=["1", "5", "0", "6", "negative"]
)
def test_one_length_alone_is_held_against_its_axis(length: int, sound: bool) -> None:
    contract = InputContract(INTERFACE)
    inputs = {"words": np.zeros((1, 5, 3), np.float32), "tag": np.array([0]), "lengths": np.array([length])}
    if sound:
        contract.check(call(**inputs))
        return
    with pytest.raises(InvalidInputError, match="lengths from 1 to T = 5"):
        contract.check(call(**inputs))


def test_an_answer_is_held_against_the_interface_after_one_that_was_sound() -> None:
    contract = OutputContract(INTERFACE)
    _, binding = InputContract(INTERFACE).check(call())
    sound = np.zeros(2, np.float32)
    for _ in range(2):
        assert contract.check(contract.names, [sound], binding)["y"] is sound
    for departs in (np.zeros(3, np.float32), np.zeros(2), np.zeros((2, 1), np.float32), np.ma.zeros(2, np.float32)):
        with pytest.raises(ModelFailedError, match="output 'y'"):
            contract.check(contract.names, [departs], binding)
    with pytest.raises(ValueError, match="longer"):
        contract.check(contract.names, [sound, sound], binding)


def test_values_of_answers_are_looked_at_every_time_where_that_is_asked_for() -> None:
    contract = OutputContract(INTERFACE, finite=True)
    _, binding = InputContract(INTERFACE).check(call())
    contract.check(contract.names, [np.zeros(2, np.float32)], binding)
    with pytest.raises(ModelFailedError, match="finite"):
        contract.check(contract.names, [np.full(2, np.inf, np.float32)], binding)


def test_something_else_than_a_mapping_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="a mapping of names to numpy arrays; found list"):
        check([np.zeros(3)])  # type: ignore[arg-type]


def test_smallest_inputs_pass_their_own_contract() -> None:
    assert check(smallest_inputs(INTERFACE)) == {"N": 1, "T": 2}


@given(
    hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
        elements=st.floats(width=16) | st.sampled_from([6e4, -6e4]),
    ),
    st.booleans(),
)
def test_finiteness_is_what_numpy_says(array: np.ndarray[Any, np.dtype[Any]], transposed: bool) -> None:
    array = array.T if transposed else array
    assert all_finite(array) == bool(np.isfinite(array).all())


def test_finite_numbers_whose_squares_overflow_are_finite() -> None:
    assert all_finite(np.full(1000, 3e38, np.float32))
    assert not all_finite(np.array([3e38, 3e38, np.inf], np.float32))
