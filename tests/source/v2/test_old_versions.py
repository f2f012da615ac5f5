"""Files of early releases come out in the current form."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidModelError
from bridge.graph.model import DataType, Model, VariableKind
from tests.source.v2.models import composite, constant, function, input_, parameter, read
from tests.source.v2.wire_writer import Double, Size, Value, dictionary

FIVE = ["x", "scale", "bias", "mean", "variance"]
LEAVES = [input_(), *(parameter(uid, np.ones(2, np.float32)) for uid in FIVE[1:])]


def batch_normalization(inputs: list[str], version: int, *more: dict[str, Value]) -> Model:
    record = function("BN", "BatchNormalization", inputs, {"epsilon": Double(1e-5)}, version=Size(version))
    return read(composite("BN", [*LEAVES, *more], [record]))


@pytest.mark.parametrize("version", [1, 3])
def test_batch_normalization_before_version_4_gets_a_sample_count_of_0(version: int) -> None:
    model = batch_normalization(FIVE, version)
    count = model.variables[model.functions["BN"].inputs[5]]
    assert (count.kind, count.data_type, count.shape) == (VariableKind.CONSTANT, DataType.FLOAT, ())
    assert count.value is not None
    assert count.value.array() == 0
    assert model.functions["BN"].inputs[:5] == tuple(FIVE)


def test_batch_normalization_of_version_4_must_have_its_sample_count() -> None:
    with pytest.raises(InvalidModelError, match="number of inputs"):
        batch_normalization(FIVE, 4)


def test_early_batch_normalization_with_six_inputs_is_left_alone() -> None:
    model = batch_normalization([*FIVE, "count"], 3, constant("count", np.array(7, np.float32)))
    assert model.functions["BN"].inputs == (*FIVE, "count")


def test_added_constant_never_takes_the_place_of_another() -> None:
    with pytest.raises(InvalidModelError, match="same uid"):
        batch_normalization(FIVE, 3, constant("BN_running_sample_count", np.array(7, np.float32)))


def dropout(state: Value, *, version: int = 2, attributes: dict[str, Value] | None = None) -> Model:
    function_ = function("D", "Dropout", ["x"], {"dropoutRate": Double(0.5)} | (attributes or {}))
    return read(composite("D", [input_()], [function_], version=Size(version), state=state))


SEEDS: dict[str, Value] = {"rng_seed": Size(5), "rng_offset": Size(9)}


@pytest.mark.parametrize("version", [1, 2])
def test_random_state_of_early_composites_moves_to_the_attributes(version: int) -> None:
    attributes = dropout({"D": SEEDS}, version=version).functions["D"].attributes
    assert dict(attributes) == {"dropoutRate": 0.5, "rngSeed": 5, "rngOffset": 9}


def test_random_state_in_the_attributes_wins() -> None:
    assert dropout({"D": SEEDS}, attributes={"rngSeed": Size(1)}).functions["D"].attributes["rngSeed"] == 1


def test_random_state_is_ignored_from_version_3_on() -> None:
    assert "rngSeed" not in dropout({"D": SEEDS}, version=3).functions["D"].attributes


@pytest.mark.parametrize("state", [{"nowhere": SEEDS}, {"D": Size(1)}, {"D": {"rng_seed": Size(1)}}, Size(1)])
def test_malformed_random_state_is_refused(state: Value) -> None:
    with pytest.raises(InvalidModelError):
        dropout(state)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_dictionary_of_each_version_is_read(version: int) -> None:
    record = composite("F", [input_()], [function("F", "Tanh", ["x"], version=Size(3))], version=Size(1))
    assert read(dictionary(record, version)).format_version == f"dictionary {version}, composite 1, function 3"
