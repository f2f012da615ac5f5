"""The model that the engine's process gets: looked through, sealed, and free of code."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bridge.errors import NotAModelError, UserCodeError
from bridge.reference.model_memory import ModelMemory
from bridge.reference.recording.model_inputs import model_ports
from bridge.reference.values import Wanted

ROOT = Path(__file__).parents[2]
LSTM = ROOT / "golden/lstm_tagger/model.dnn"
CUSTOM = ROOT / "docs/migrating/examples/custom.dnn"


def test_the_descriptor_holds_the_file_that_was_read() -> None:
    with ModelMemory(LSTM) as memory:
        held = os.pread(memory.descriptor, 1 << 24, 0)
        assert hashlib.sha256(held).hexdigest() == memory.sha256 == hashlib.sha256(LSTM.read_bytes()).hexdigest()


def test_nobody_writes_to_it() -> None:
    with ModelMemory(LSTM.read_bytes()) as memory:
        with pytest.raises(PermissionError):
            os.pwrite(memory.descriptor, b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(memory.descriptor, 10)


def test_what_becomes_of_the_file_afterwards_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "model.dnn"
    path.write_bytes(LSTM.read_bytes())
    with ModelMemory(path) as memory:
        path.write_bytes(b"another file")
        assert hashlib.sha256(os.pread(memory.descriptor, 1 << 24, 0)).hexdigest() == memory.sha256


def test_a_model_with_user_code_never_gets_to_cntk() -> None:
    with pytest.raises(UserCodeError, match="1 user-defined function"):
        ModelMemory(CUSTOM)


def test_noise_never_gets_to_cntk() -> None:
    with pytest.raises(NotAModelError):
        ModelMemory(b"noise" * 100)


def test_ports_are_those_of_the_conversion() -> None:
    with ModelMemory(LSTM) as memory:
        ports = model_ports(memory.model)
    assert ports.outputs == (Wanted("Block808_Output_0", "tags"),)
    words = ports.inputs[0]
    assert (words.public_name, words.shape, words.sparse, words.batched) == ("words", (80,), True, True)
    assert words.sequence_axis == "defaultDynamicAxis"
    assert words.dtype.name == "float32"
