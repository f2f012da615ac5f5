"""Bytes that are no model, or one in a form that no serialiser writes, are refused with their place."""

from __future__ import annotations

import pytest

from bridge.errors import RefusedModelError
from bridge.runtime.admission.admitting import AdmittedModel, admit
from bridge.runtime.admission.message import read_message
from bridge.runtime.admission.reading import read_model
from bridge.runtime.limits import ModelLimits
from tests.runtime.admission.honest import WEIGHTS, changed

HONEST = changed()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "a graph"),
        (b"ORTM" * 100, "wire type|fields"),
        (b"\x08\x80", "an integer of at most 10 bytes"),
        (b"\x08" + b"\x80" * 10 + b"\x01", "an integer of at most 10 bytes"),
        (b"\x08\x88\x00", "an integer in its shortest form"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "an integer of 64 bits"),
        (b"\x3a\x05\x0a", "at most 1 bytes"),
        (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "at most 0 bytes"),
        (b"\x0a\x01a", "ir_version, a field of kind integer"),
        (b"\x12\x02\xff\xfe", "text in UTF-8"),
        (b"\x0b", "a field of kind integer"),
        (b"\xfb\x7f", "a wire type of protobuf 3"),
        (HONEST[:-1], "."),
        (HONEST[: len(HONEST) // 2], "at most"),
    ],
)
def test_bytes_out_of_place_are_refused(data: bytes, expected: str) -> None:
    with pytest.raises(RefusedModelError, match=expected) as refused:
        admit(memoryview(data), {}, ModelLimits())
    assert refused.value.check in {"wire-format", "versions", "unknown-fields"}


def test_every_cut_of_a_model_is_refused() -> None:
    for length in range(len(HONEST)):
        with pytest.raises(RefusedModelError):
            admit(memoryview(HONEST[:length]), {}, ModelLimits())


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (ModelLimits(model_bytes=10), "a model of at most 10 bytes"),
        (ModelLimits(fields=5), "at most 5 fields"),
        (ModelLimits(wire_depth=2), "at most 2 others"),
        (ModelLimits(text_bytes=3), "at most 3 bytes"),
    ],
)
def test_reading_stops_at_its_bounds(limits: ModelLimits, expected: str) -> None:
    with pytest.raises(RefusedModelError, match=expected):
        read_message(memoryview(HONEST), limits)


def test_many_empty_messages_are_refused_by_their_number() -> None:
    nodes = b"\x0a\x00" * 1000
    with pytest.raises(RefusedModelError, match="at most 100 fields"):
        read_message(memoryview(b"\x3a\xd0\x0f" + nodes), ModelLimits(fields=100))


def test_tensors_are_views_into_the_file() -> None:
    data = bytearray(HONEST)
    model = read_model(memoryview(data), ModelLimits())
    raw = model.graph.initializers[0].raw
    assert raw is not None
    assert bytes(raw) == WEIGHTS.tobytes()
    data[data.index(WEIGHTS.tobytes()) + 4] ^= 0xFF
    assert bytes(raw) != WEIGHTS.tobytes(), "the very bytes, not a copy"


def test_admitted_models_are_made_by_admission_alone() -> None:
    admitted = admit(memoryview(HONEST), {}, ModelLimits())
    with pytest.raises(TypeError, match="made by admit alone"):
        AdmittedModel(object(), admitted.model, {}, admitted.parsed)
