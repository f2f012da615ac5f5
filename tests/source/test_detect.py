"""Which reader gets a file: its first bytes decide, and the decision stands."""

from __future__ import annotations

import pytest

from bridge.errors import NotAModelError, SourceError
from bridge.source import detect_format, read_model
from tests.source.v2.models import small_model
from tests.source.v2.wire_writer import container, dictionary

V1_MAGIC = b"B\0C\0N\0\0\0"


@pytest.mark.parametrize("data", [V1_MAGIC, V1_MAGIC + b"anything"])
def test_magic_number_means_v1(data: bytes) -> None:
    assert detect_format(memoryview(data)) == "v1"


@pytest.mark.parametrize("data", [b"", b"B\0C\0N\0\0", b"B\0", b"\x08\x02\x12", container(b"", b""), b"noise"])
def test_everything_else_is_for_the_v2_reader_to_judge(data: bytes) -> None:
    assert detect_format(memoryview(data)) == "v2"


def test_no_file_is_offered_to_the_other_reader_after_a_failure() -> None:
    with pytest.raises(SourceError) as caught:
        read_model(memoryview(V1_MAGIC + dictionary(small_model())))
    assert "dictionary" not in str(caught.value)
    with pytest.raises(NotAModelError, match="protobuf dictionary"):
        read_model(memoryview(V1_MAGIC[:-1] + dictionary(small_model())))


def test_weights_of_a_writable_buffer_cannot_be_written_to() -> None:
    octets = bytearray(dictionary(small_model()))
    tensor = read_model(memoryview(octets)).variables["w"].value
    assert tensor is not None
    assert not tensor.values.flags.writeable
