"""The map in a file's metadata: what was written is read, and anything else is refused with the entry at fault."""

import json
import re
from typing import Any

import pytest

from bridge.errors import InvalidPackageError
from bridge.origins import Origin, decode_origins, encode_origins

FULL = Origin(
    "Plus3/Conv", ("Plus3_Output_0", "Block4_Output_0"), "stem", "Convolution, Plus", ("Convolution2", "Plus3"), 1, False, ""
)
SEQUENCE = Origin("tägs", ("Times7_Output_0",), "", "Times", ("Times7",), 2, True, "lengths/Expand")


def test_map_is_read_as_it_was_written() -> None:
    assert decode_origins(encode_origins([FULL, SEQUENCE])) == (FULL, SEQUENCE)


def test_empty_map_is_one() -> None:
    assert decode_origins(encode_origins([])) == ()


def test_label_gives_the_authors_name_and_the_uid() -> None:
    assert FULL.label == "stem (Plus3)"
    assert SEQUENCE.label == "Times7"


ROW: list[Any] = json.loads(encode_origins([FULL]))[0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "expected JSON"),
        ("{}", "expected a list of values, found dict"),
        ("[" * 100_000, "expected JSON"),
        ("[3]", "entry 0"),
        (json.dumps([ROW, ROW[:-1]]), "entry 1"),
        (json.dumps([[7, *ROW[1:]]]), "names and lists of uids"),
        (json.dumps([[ROW[0], [], *ROW[2:]]]), "names and lists of uids"),
        (json.dumps([[ROW[0], [None], *ROW[2:]]]), "names and lists of uids"),
        (json.dumps([[*ROW[:5], 3, *ROW[6:]]]), "0 to 2 dynamic axes"),
        (json.dumps([[*ROW[:5], True, *ROW[6:]]]), "0 to 2 dynamic axes"),
        (json.dumps([[*ROW[:6], 2, ROW[7]]]), "0 or 1"),
    ],
)
def test_anything_else_is_refused(text: str, what: str) -> None:
    with pytest.raises(InvalidPackageError, match=re.escape(what)):
        decode_origins(text)
