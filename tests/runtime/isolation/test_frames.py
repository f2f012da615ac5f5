"""Packets: what one side says the other understands, and no bytes at all do more than be refused."""

import mmap
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.runtime.isolation.frames import (
    DTYPES,
    TEXT_BYTES,
    Answer,
    Placed,
    ProtocolError,
    Request,
    Status,
    pack_answer,
    pack_request,
    unpack_answer,
    unpack_request,
)
from bridge.runtime.isolation.shared_memory import TensorArea, copied, sealed_copy

NUMBERS = st.integers(0, 2**64 - 1)
TENSORS = st.lists(
    st.builds(
        Placed,
        index=st.integers(0, 65_535),
        dtype=st.sampled_from(DTYPES),
        shape=st.lists(NUMBERS, max_size=32).map(tuple),
        offset=NUMBERS,
    ),
    max_size=5,
).map(tuple)


@given(NUMBERS, TENSORS)
def test_answers_come_back(sequence: int, tensors: tuple[Placed, ...]) -> None:
    answer = Answer(Status.DONE, sequence, tensors)
    assert unpack_answer(memoryview(pack_answer(answer))) == answer


@given(NUMBERS, st.lists(st.integers(0, 65_535), max_size=9).map(tuple), TENSORS)
def test_requests_come_back(sequence: int, outputs: tuple[int, ...], tensors: tuple[Placed, ...]) -> None:
    request = Request(sequence, outputs, tensors)
    assert unpack_request(memoryview(pack_request(request))) == request


@given(st.binary(max_size=300), st.booleans())
def test_noise_is_refused_or_understood(data: bytes, with_magic: bool) -> None:
    packet = memoryview(b"BRA1" + data if with_magic else data)
    try:
        answer = unpack_answer(packet)
    except ProtocolError:
        return
    assert answer.text.isprintable()


def test_a_sentence_cannot_steer_a_terminal_nor_forge_a_line() -> None:
    said = pack_answer(Answer(Status.FAILED, 1, text="bad\x1b[2J\nroot logged in\u202e"))
    assert unpack_answer(memoryview(said)).text == "bad [2J root logged in "


def test_a_long_sentence_is_cut() -> None:
    assert len(unpack_answer(memoryview(pack_answer(Answer(Status.FAILED, 1, text="a" * 10_000)))).text) == TEXT_BYTES


def test_truth_is_0_or_1_whatever_a_worker_wrote() -> None:
    area = TensorArea("outputs", 64, writable=False)
    try:
        with mmap.mmap(area.descriptor, area.size) as theirs:
            theirs[:4] = bytes([0, 1, 2, 255])
        taken = copied(area.window(Placed(0, np.dtype(np.bool_), (4,), 0)))
        assert taken.view(np.uint8).tolist() == [0, 1, 1, 1]
    finally:
        area.close()


def test_what_was_taken_does_not_change_any_more() -> None:
    area = TensorArea("outputs", 64, writable=False)
    try:
        with mmap.mmap(area.descriptor, area.size) as theirs:
            taken = copied(area.window(Placed(0, np.dtype(np.uint8), (4,), 0)))
            theirs[:4] = b"late"
        assert taken.tolist() == [0, 0, 0, 0]
    finally:
        area.close()


def test_nobody_cuts_an_area_short_nor_writes_into_inputs() -> None:
    area = TensorArea("inputs", 64, writable=True)
    try:
        with pytest.raises(PermissionError):
            os.ftruncate(area.descriptor, 0)
        with pytest.raises(PermissionError):
            mmap.mmap(area.descriptor, area.size)
    finally:
        area.close()


def test_a_sealed_copy_cannot_be_changed() -> None:
    memory = sealed_copy("model", memoryview(b"model"))
    try:
        with pytest.raises(PermissionError):
            os.pwrite(memory, b"other", 0)
        assert os.pread(memory, 10, 0) == b"model"
    finally:
        os.close(memory)
