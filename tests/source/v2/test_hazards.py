"""What is legal but noteworthy is reported, and only that."""

from __future__ import annotations

import numpy as np
import pytest

from tests.source.v2.models import composite, function, input_, parameter, placeholder, read, small_model, unary_model
from tests.source.v2.wire_writer import Double, Shape, Size, Value


def kinds(record: dict[str, Value]) -> list[tuple[str, str]]:
    return [(hazard.kind, hazard.subject) for hazard in read(record).hazards]


def test_unknown_keys_are_reported_wherever_they_stand() -> None:
    record = composite("F", [input_(shadow=Size(1))], [function("F", "Tanh", ["x"], extra="")], future=True)
    assert kinds(record) == [("unknown-key", "the model"), ("unknown-key", "x"), ("unknown-key", "F")]


def test_unknown_attribute_is_reported() -> None:
    assert kinds(unary_model("Tanh", {"slope": Double(1.0)})) == [("unknown-attribute", "F")]


def test_custom_attributes_are_content_of_the_users_own() -> None:
    custom: dict[str, Value] = {"anything": [Size(1), "text", {"array": np.zeros(2, np.float32)}, Shape((1,))]}
    model = read(unary_model("Tanh", {"customAttributes": custom}))
    assert model.hazards == ()
    assert "customAttributes" in model.functions["F"].attributes


def test_file_paths_are_reported() -> None:
    attributes: dict[str, Value] = {"SymListPath": "/etc/passwd", "PhonePath": ""}
    functions = [function("L", "LatticeSequenceWithSoftmax", ["x"] * 4, attributes)]
    hazards = read(composite("L", [input_()], functions)).hazards
    assert [(hazard.kind, hazard.subject) for hazard in hazards] == [("file-path", "L")]
    assert "/etc/passwd" in hazards[0].detail


@pytest.mark.parametrize("name", ["a\x1b[31m", "abc\u202egpj.exe", "nul\0"])
def test_unprintable_names_are_reported_in_plain_characters(name: str) -> None:
    hazards = read(composite("F", [input_(name=name)], [function("F", "Tanh", ["x"])])).hazards
    assert [hazard.kind for hazard in hazards] == ["unprintable-name"]
    assert hazards[0].detail.isprintable()


def test_names_of_other_scripts_are_not_reported() -> None:
    assert kinds(small_model(name="模型 ß \U0001f600")) == []


@pytest.mark.parametrize(("epsilon", "reported"), [(1e-5, False), (1.0, False), (0.0, True), (-1.0, True), (1e30, True)])
def test_unusual_epsilon_is_reported(epsilon: float, reported: bool) -> None:
    leaves = [input_(), parameter("p", np.ones(2, np.float32))]
    functions = [function("F", "BatchNormalization", ["x", *["p"] * 5], {"epsilon": Double(epsilon)})]
    assert kinds(composite("F", leaves, functions)) == [("unusual-epsilon", "F")] * reported


def test_weights_that_are_not_numbers_are_legal() -> None:
    leaves = [input_(), parameter("w", np.array([np.nan, -np.inf], np.float32))]
    assert kinds(composite("F", leaves, [function("F", "Plus", ["x", "w"])])) == []


def test_unbound_placeholder_is_reported_only_without_a_binding() -> None:
    assert kinds(composite("F", [placeholder("p")], [function("F", "Tanh", ["p"])])) == [("unbound-placeholder", "p")]
