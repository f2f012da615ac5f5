"""RECORD files: read in full, or refused."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from bridge.errors import BridgeError, InvalidBundleError
from bridge.trust.integrity.record import RecordedFile, read_record
from tests.fuzz.byte_mutations import mutate_bytes
from tests.trust.integrity.made_distributions import FILES, record_line

RECORD = "".join(record_line(path, data) for path, data in FILES.items()).encode()


def test_every_line_is_read() -> None:
    files = read_record(RECORD + b"made/x.pyc,,\n", what="RECORD")
    assert [file.path for file in files] == [*FILES, "made/x.pyc"]
    digest = hashlib.sha256(FILES["made/__init__.py"]).hexdigest()
    assert files[0] == RecordedFile("made/__init__.py", "sha256", digest, 10)
    assert files[-1] == RecordedFile("made/x.pyc", "", None, None)


def test_name_with_a_comma_is_one_name() -> None:
    assert read_record(b'"made/a,b.py",,\n', what="RECORD")[0].path == "made/a,b.py"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"made/a.py\n", "not a line of a RECORD"),
        (b",,\n", "not a line of a RECORD"),
        (b"a,,\na,,\n", "listed twice"),
        (b"a,,\nb/../a,,\n", "listed twice"),
        (b"a,md5=AAAA,1\n", "a digest that proves nothing"),
        (b"a,sha256=AAAA,1\n", "not a digest"),
        (b"a,sha256=*,1\n", "not a digest"),
        (b"a,,-1\n", "not a size"),
        (b"a,,99999999999999999999\n", "not a size"),
        (b'"a,,\n', "no RECORD"),
        (b"\xff,,\n", "no RECORD"),
    ],
)
def test_other_form_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidBundleError, match=sentence):
        read_record(data, what="RECORD")


def test_mutated_records_are_refused_or_read() -> None:
    rng = Random(3)  # noqa: S311 - mutations, not keys
    for _ in range(3_000):
        try:
            read_record(mutate_bytes(RECORD, [RECORD], rng), what="RECORD")
        except BridgeError:
            continue
