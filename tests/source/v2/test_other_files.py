"""Files that are no models are refused with a sentence that helps."""

from __future__ import annotations

import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bridge.errors import NotAModelError
from tests.source.v2.models import read, small_model
from tests.source.v2.wire_writer import Size, Value, bytes_field, dictionary, number_field


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"", "is empty"),
        ("BVersion\0".encode("utf-16-le") + bytes(20), "BrainScript checkpoint"),
        ("BCKP\0".encode("utf-16-le") + bytes(20), "BrainScript checkpoint"),
        (b"PK\x03\x04" + bytes(20), "ZIP archive"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "HDF5"),
        (b"\x93NUMPY\x01\x00", "numpy"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"B\x00something that begins like a wide marker", "not a CNTK model"),
        (b"\x00", "not a CNTK model"),
        (b"\x7fELF" + bytes(20), "not a CNTK model"),
    ],
)
def test_file_of_another_kind_is_refused_by_name(octets: bytes, message: str) -> None:
    with pytest.raises(NotAModelError, match=message):
        read(octets)


@pytest.mark.parametrize("producer", ["", "CNTK", "pytorch", "keras2onnx"])
def test_onnx_model_is_refused_by_name(producer: str) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [value])
    octets = helper.make_model(graph, producer_name=producer).SerializeToString()
    assert onnx.load_model_from_string(octets).ir_version
    with pytest.raises(NotAModelError, match="ONNX"):
        read(octets)


@pytest.mark.parametrize(
    "octets", [number_field(1, 8) + bytes_field(3, b"1.0"), number_field(1, 8) + bytes_field(7, b"\x0a\x00")]
)
def test_onnx_model_without_a_producer_is_refused_by_name(octets: bytes) -> None:
    with pytest.raises(NotAModelError, match="ONNX"):
        read(octets)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"Version": Size(1), "Learners": [], "ExternalState": {}, "DistributedState": {}}, "checkpoint of a trainer"),
        ({"type": "Learner", "version": Size(3), "smoothed_gradients": [np.zeros(2, np.float32)]}, "state of a learner"),
        ({"type": "PrimitiveFunction"}, "not a model"),
        ({"anything": Size(1)}, "not a model"),
        ({}, "not a model"),
        ({"type": Size(1)}, "not a model"),
    ],
)
def test_dictionary_of_another_kind_is_refused_by_name(content: dict[str, Value], message: str) -> None:
    with pytest.raises(NotAModelError, match=message):
        read(dictionary(content))


@pytest.mark.parametrize("key", ["version", "uid", "root", "inputs", "primitive_functions"])
def test_composite_that_lacks_a_part_is_refused(key: str) -> None:
    record = small_model()
    del record[key]
    with pytest.raises(NotAModelError, match=f"no {key}"):
        read(record)


def test_advice_points_from_a_checkpoint_to_its_model() -> None:
    with pytest.raises(NotAModelError, match=r"without \.ckp"):
        read(dictionary({"Learners": []}))
