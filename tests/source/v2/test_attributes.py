"""Attributes and numbers of inputs are checked while reading, and the fault is located."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidModelError
from tests.source.v2.models import composite, function, input_, read, unary_model
from tests.source.v2.wire_writer import Double, Int, Shape, Size, Value


@pytest.mark.parametrize(
    ("op", "attributes", "key"),
    [
        ("PastValue", {"offset": Size(0)}, "offset"),
        ("Dropout", {"dropoutRate": Double(1.0)}, "dropoutRate"),
        ("Pooling", {"strides": Shape((0,))}, "strides"),
        ("Convolution", {"groups": Size(0)}, "groups"),
        ("Reshape", {"newShape": [Size(2)]}, "newShape"),
        ("Slice", {"axis": Size(0)}, "axis"),
        ("OneHot", {"numClass": np.zeros(1, np.float32)}, "numClass"),
        ("Times", {"outputRank": {"inner": Size(1)}}, "outputRank"),
    ],
)
def test_fault_names_function_and_attribute(op: str, attributes: dict[str, Value], key: str) -> None:
    inputs = ["x", "x"] if op in ("PastValue", "Convolution", "Times") else ["x"]
    with pytest.raises(InvalidModelError, match="an attribute of") as caught:
        read(composite("F", [input_()], [function("F", op, inputs, attributes)]))
    assert caught.value.field == f"F.{key}"
    assert caught.value.offset is not None


def test_integers_of_either_type_are_read() -> None:
    for number in (Int(3), Size(3)):
        assert read(unary_model("Cast", {"newDataType": Size(4)})).functions["F"].attributes["newDataType"] == 4
        model = read(composite("F", [input_()], [function("F", "Times", ["x", "x"], {"inferInputRankToMap": number})]))
        assert model.functions["F"].attributes["inferInputRankToMap"] == 3


@pytest.mark.parametrize(("op", "count"), [("Tanh", 0), ("Tanh", 2), ("Plus", 1), ("Clip", 2), ("Combine", 0), ("PastValue", 1)])
def test_wrong_number_of_inputs_is_refused(op: str, count: int) -> None:
    with pytest.raises(InvalidModelError, match="number of inputs") as caught:
        read(composite("F", [input_()], [function("F", op, ["x"] * count)]))
    assert caught.value.found == str(count)


def test_missing_attributes_are_not_filled_in() -> None:
    assert read(unary_model("Dropout", {})).functions["F"].attributes == {}
