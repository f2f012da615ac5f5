"""Lists of numbers are cut out of a request's text, and nothing about what is read, or refused, may change by that."""

import json
import random
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.errors import BridgeError, RequestRefusedError
from bridge.serve.protocol.json_text import read_json, tensor_of
from bridge.serve.protocol.number_lists import NumberList, cut_out
from bridge.trust.strict_json import JsonLimits, parse

LIMITS = JsonLimits(bytes=1 << 20, depth=40, values=100_000, string_characters=1 << 20)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.lists(FLOATS | st.integers(-(2**63), 2**63 - 1), max_size=20)
OTHERS = st.sampled_from([[[1, 2], [3, 4]], [1, True], [None], ["1"], [{"data": [1]}], [], 5, "data", {}])
TENSORS = st.fixed_dictionaries(
    {"name": st.sampled_from(["image", "data", "inputs", "]", "[", ":", "a,b"])},
    optional={"data": NUMBERS | OTHERS, "parameters": st.fixed_dictionaries({}, optional={"data": NUMBERS})},
)
DOCUMENTS = st.fixed_dictionaries({"inputs": st.lists(TENSORS, max_size=3)}, optional={"data": NUMBERS, "id": st.just("data")})


def whole(value: Any) -> Any:
    """What was read, with its lists in place."""
    if isinstance(value, NumberList):
        return json.loads(bytes(value.text))
    if isinstance(value, dict):
        return {key: whole(held) for key, held in value.items()}
    return [whole(held) for held in value] if isinstance(value, list) else value


def tensors_of(document: Any) -> Any:
    """What the reader of requests looks at."""
    found = document.get("inputs") if isinstance(document, dict) else document
    return found if not isinstance(found, list) else [each.get("data") if isinstance(each, dict) else each for each in found]


def read(body: bytes) -> tuple[bool, Any]:
    try:
        return True, tensors_of(whole(read_json(body, cut_from=0)))
    except RequestRefusedError:
        return False, None


def read_strictly(body: bytes) -> tuple[bool, Any]:
    try:
        return True, tensors_of(parse(body, what="the request", limits=LIMITS))
    except BridgeError:
        return False, None


@given(DOCUMENTS, st.sampled_from([None, 1]))
def test_a_document_is_read_as_the_strict_reader_reads_it(document: Any, indent: int | None) -> None:
    body = json.dumps(document, indent=indent).encode()
    assert read(body) == read_strictly(body)


@given(DOCUMENTS, st.integers(0, 2**32), st.integers(1, 4))
def test_damaged_text_is_refused_where_the_strict_reader_refuses_it(document: Any, seed: int, changes: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # Damage, not secrets.
    body = bytearray(json.dumps(document).encode())
    for _ in range(changes):
        at = chance.randrange(len(body))
        piece = bytes(chance.choices(b'",:[]{}0123456789eE+-. tfn\\data', k=chance.randint(0, 2)))
        body[at : at + chance.randint(0, 2)] = chance.choice([piece, piece, b'"data":[', b'"data"', b"],"])
    # Integers of more than 63 bits are numbers of a tensor, and none to the strict reader.
    assume(not re.search(rb"\d{18}", body))
    assert read(bytes(body)) == read_strictly(bytes(body))


@given(NUMBERS)
def test_numbers_are_rounded_as_python_rounds_them(values: list[float]) -> None:
    cut = cut_out(json.dumps({"data": values}).encode())
    assert cut is not None
    assert cut[1][0].values.tolist() == [float(value) for value in values]


@pytest.mark.parametrize("number", [b"18446744073709551616", b"-9223372036854775809", b"9" * 40])
def test_an_integer_of_more_than_64_bits_is_not_cut_out_and_read_as_in_a_short_request(number: bytes) -> None:
    body = b'{"inputs":[{"name":"x","data":[1,%b,2.5]}]}' % number
    assert cut_out(body) is None
    assert read(body) == (True, [json.loads(body, parse_int=float)["inputs"][0]["data"]])
    assert read(b'{"inputs":[{"name":"x","data":[1,2]}]}') == (True, [[1, 2]]), "the parser is as good as before"


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_a_number_beyond_the_range_is_found_whatever_stands_beside_it(name: str) -> None:
    dtype = np.dtype(name)
    greatest = float(np.finfo(name).max)
    body = b'{"inputs":[{"data":[%b,-1.0]}]}'
    within = read_json(body % repr(greatest).encode(), cut_from=0)["inputs"][0]["data"]
    assert tensor_of(within, dtype, "x").tolist() == [greatest, -1.0]
    if name == "float32":
        beyond = read_json(body % repr(greatest * 2).encode(), cut_from=0)["inputs"][0]["data"]
        with pytest.raises(RequestRefusedError, match="beyond the range"):
            tensor_of(beyond, dtype, "x")


def test_a_list_longer_than_what_a_parser_keeps_is_read_and_short_texts_are_left_alone() -> None:
    values = np.random.default_rng(0).random(120_000)
    body = json.dumps({"inputs": [{"data": values.tolist()}]}).encode()
    assert len(body) > 2 << 20
    for _ in range(2):
        found = tensor_of(read_json(body)["inputs"][0]["data"], np.dtype(np.float64), "x")
        np.testing.assert_array_equal(found, values)
    assert read_json(b'{"inputs": [{"data": [1]}]}') == {"inputs": [{"data": [1]}]}


def test_a_long_list_is_cut_and_an_input_called_data_does_not_prevent_it() -> None:
    cut = cut_out(b'{"inputs":[{"name":"data","data" : [1, 2.5,-3e2]}]}')
    assert cut is not None
    text, (numbers,) = cut
    assert json.loads(text) == {"inputs": [{"name": "data", "data": [0]}]}
    assert numbers.values.tolist() == [1.0, 2.5, -300.0]


def test_a_text_among_numbers_takes_no_more_room_than_it_has_in_the_request() -> None:
    long = [b'"%b"' % (b"x" * 20_000), *[b'"a"'] * 20_000]
    values = read_json(b'{"inputs":[{"data":[%b]}]}' % b",".join(long))["inputs"][0]["data"]
    tracemalloc.start()
    try:
        with pytest.raises(RequestRefusedError, match="another kind"):
            tensor_of(values, np.dtype(np.float32), "x")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_more_lists_than_any_request_has_are_not_cut_out_one_by_one() -> None:
    assert cut_out(b'{"inputs":[%b]}' % b",".join([b'{"data":[1]}'] * 2000)) is None
