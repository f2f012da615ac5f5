"""Arrays: viewed where they lie, and refused unless type, shape and bytes agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import Tensor
from bridge.limits import DEFAULT_LIMITS
from bridge.source.v2.arrays import Payloads
from tests.source.v2.wire_writer import (
    FREE_DIM,
    INFERRED_DIM,
    array_header,
    array_message,
    bytes_field,
    number_field,
    shape_message,
    varint,
    zigzag,
)


def read(octets: bytes) -> Tensor:
    return Payloads(memoryview(octets), DEFAULT_LIMITS).read_array(0, len(octets))


def floats(count: int) -> bytes:
    return bytes_field(4, bytes_field(1, bytes(4 * count)))


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "int8", "int16"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_array_of_each_type_is_read_in_row_major_order(name: str, shape: tuple[int, ...]) -> None:
    expected = np.arange(-5, -5 + int(np.prod(shape)), dtype=np.float64).reshape(shape).astype(name)
    tensor = read(array_message(expected))
    assert tensor.shape == shape
    assert tensor.array().dtype == expected.dtype
    np.testing.assert_array_equal(tensor.array(), expected)


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "int8"])
def test_elements_are_a_read_only_view_of_the_file(name: str) -> None:
    octets = array_message(np.arange(50).astype(name))
    file = memoryview(octets)
    tensor = Payloads(file, DEFAULT_LIMITS).read_array(0, len(file))
    assert np.shares_memory(tensor.values, np.frombuffer(octets, np.uint8))
    assert not tensor.values.flags.writeable
    assert octets[tensor.offset :] == tensor.values.tobytes()


def test_array_of_no_elements_needs_no_bytes() -> None:
    for octets in (array_header(1, (0, 3)), array_header(1, (0, 3)) + bytes_field(4, b""), array_header(1, (0, 3)) + floats(0)):
        assert read(octets).array().shape == (3, 0)


def test_nan_and_infinity_are_legal_weights() -> None:
    expected = np.array([np.nan, np.inf, -np.inf], np.float32)
    np.testing.assert_array_equal(read(array_message(expected)).array(), expected)


@pytest.mark.parametrize(
    "octets",
    [
        array_header(1, (3,)) + floats(2),
        array_header(1, (3,)) + floats(4),
        array_header(1, (3,)),
        array_header(1, (0,)) + floats(1),
        array_header(1, ()),
        array_header(1, (3,)) + bytes_field(4, bytes_field(1, bytes(11))),
        array_header(2, (2,)) + bytes_field(5, bytes_field(1, bytes(12))),
        array_header(4, (3,)) + bytes_field(4, bytes_field(1, bytes(6))),  # float16 is stored in four bytes each
        array_header(5, (3,)) + bytes_field(6, bytes_field(1, bytes(2))),
        array_header(6, (3,)) + bytes_field(7, bytes_field(1, zigzag([1, 2]))),
        array_header(6, (3,)) + bytes_field(7, bytes_field(1, zigzag([1, 2]) + b"\x80")),
    ],
)
def test_elements_that_do_not_fill_the_shape_are_refused(octets: bytes) -> None:
    with pytest.raises(InvalidModelError, match="do not fill its shape"):
        read(octets)


def test_elements_of_another_type_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="another type than it says"):
        read(array_header(2, (2,)) + floats(4))


def test_elements_in_two_forms_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="two forms"):
        read(array_header(1, (1,)) + floats(1) + bytes_field(5, bytes_field(1, bytes(8))))


@pytest.mark.parametrize(
    "again", [floats(1), number_field(1, 1), bytes_field(3, shape_message((1,))), number_field(2, 0) + number_field(2, 0)]
)
def test_repeated_field_is_refused(again: bytes) -> None:
    with pytest.raises(InvalidModelError, match="occurs again"):
        read(array_header(1, (1,)) + floats(1) + again)


def test_elements_in_several_runs_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="occurs again"):
        read(array_header(1, (2,)) + bytes_field(4, bytes_field(1, bytes(4)) * 2))


def test_unpacked_elements_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="does not have"):
        read(array_header(1, (2,)) + bytes_field(4, (b"\x0d" + bytes(4)) * 2))


@pytest.mark.parametrize("storage", [1, 2, 3])
def test_sparse_array_is_refused(storage: int) -> None:
    with pytest.raises(InvalidModelError, match="sparse"):
        read(number_field(2, storage) + array_header(1, (1,)) + floats(1))


@pytest.mark.parametrize("code", [0, 3])
def test_type_without_elements_is_refused(code: int) -> None:
    with pytest.raises(InvalidModelError, match="no usable element type"):
        read(array_header(code, (1,)) + floats(1))


def test_unknown_element_type_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="unknown element type"):
        read(array_header(7, (1,)) + floats(1))


@pytest.mark.parametrize("dim", [INFERRED_DIM, FREE_DIM])
def test_open_dimension_is_refused(dim: int) -> None:
    with pytest.raises(InvalidModelError, match="left open"):
        read(array_header(1, (dim,)) + floats(1))


@pytest.mark.parametrize("dims", [(1 << 40, 2), (1 << 39,) * 32])
def test_product_of_dimensions_is_bounded(dims: tuple[int, ...]) -> None:
    with pytest.raises(LimitExceededError, match="array elements"):
        read(array_header(1, dims) + floats(1))


def test_unknown_field_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="does not have"):
        read(array_header(1, (1,)) + floats(1) + number_field(8, 1))


int16_lists = st.lists(st.integers(-(1 << 15), (1 << 15) - 1), max_size=300)


@given(int16_lists)
def test_every_int16_survives(numbers: list[int]) -> None:
    expected: npt.NDArray[Any] = np.array(numbers, np.int16)
    np.testing.assert_array_equal(read(array_message(expected)).array(), expected)


def test_a_hundred_thousand_int16_survive_across_chunks() -> None:
    expected = np.random.default_rng(1).integers(-(1 << 15), 1 << 15, 100_000).astype(np.int16)
    np.testing.assert_array_equal(read(array_message(expected)).array(), expected)


@pytest.mark.parametrize("run", [zigzag([1 << 15]), zigzag([-(1 << 15) - 1]), varint(1 << 40), b"\x80\x80\x80\x01"])
def test_int16_out_of_range_is_refused(run: bytes) -> None:
    with pytest.raises(InvalidModelError, match="does not fit in 16 bits"):
        read(array_header(6, (1,)) + bytes_field(7, bytes_field(1, run)))


def test_endless_int16_is_refused() -> None:
    run = b"\x80" * 200_000 + b"\x01"
    with pytest.raises(InvalidModelError, match="does not fit in 16 bits"):
        read(array_header(6, (1,)) + bytes_field(7, bytes_field(1, run)))
