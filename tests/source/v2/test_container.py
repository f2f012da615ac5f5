"""The container for models beyond 2 GiB, which CNTK reads at any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidModelError, UnsupportedVersionError
from tests.source.v2.models import composite, function, input_, parameter, read, small_model, user_function
from tests.source.v2.wire_writer import Detached, Value, container, dictionary, number_field

VALUES: dict[str, npt.NDArray[Any]] = {
    "a": np.array([1, 2], np.float32),
    "b": np.array([[3, 4, 5]], np.float64),
    "c": np.array([6], np.float16),
}


def detached_model(**changes: Value) -> bytes:
    """X + a, with b and c beside it, their elements not in the message."""
    leaves = [parameter(uid, value) for uid, value in VALUES.items()]
    for leaf in leaves:
        leaf["value"] = Detached(leaf["data_type"].number, leaf["shape"])
    functions = [function("Plus1", "Plus", ["x", "a"])]
    return dictionary(composite("Plus1", [input_(), *leaves], functions) | changes)


def payloads() -> bytes:
    return b"".join((value.astype("<f4") if value.dtype == np.float16 else value).tobytes() for value in VALUES.values())


def test_elements_behind_the_message_are_found_in_the_order_of_the_inputs() -> None:
    model = read(container(detached_model(), payloads()))
    for uid, expected in VALUES.items():
        tensor = model.variables[uid].value
        assert tensor is not None
        assert tensor.array().dtype == expected.dtype
        np.testing.assert_array_equal(tensor.array(), expected)


def test_elements_behind_the_message_are_views() -> None:
    file = container(detached_model(), payloads())
    tensor = read(file).variables["b"].value
    assert tensor is not None
    assert np.shares_memory(tensor.values, np.frombuffer(file, np.uint8))
    assert file[tensor.offset :][:24] == VALUES["b"].tobytes()


def test_missing_elements_without_the_magic_number_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="do not fill its shape"):
        read(detached_model())


def test_bytes_left_over_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="left over"):
        read(container(detached_model(), payloads() + b"\x00"))


def test_too_few_elements_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="beyond the end of the file"):
        read(container(detached_model(), payloads()[:-1]))


def test_elements_both_inside_and_behind_are_refused() -> None:
    with pytest.raises(InvalidModelError, match="both in the message and behind it"):
        read(container(dictionary(small_model()), bytes(8)))


def test_arrays_of_small_integers_are_refused() -> None:
    leaf = parameter("a", np.array([1, 2], np.int8)) | {"value": Detached(5, (2,))}
    record = composite("Plus1", [input_(), leaf], [function("Plus1", "Plus", ["x", "a"])])
    with pytest.raises(InvalidModelError, match="small integers"):
        read(container(dictionary(record), b"\x01\x02"))


def test_arrays_without_a_defined_order_are_refused() -> None:
    functions = [function("Plus1", "Plus", ["x", "a"]), user_function("U1", ["x"], state={"array": Detached(1, (1,))})]
    with pytest.raises(InvalidModelError, match="order is undefined"):
        read(container(detached_model(primitive_functions=functions), payloads() + bytes(4)))


@pytest.mark.parametrize("cut", [5, 7])
def test_header_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(InvalidModelError, match="header"):
        read(container(b"", b"")[:cut])


def test_message_beyond_the_end_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="beyond the end of the file"):
        read(b"ktnc\xff\xff\xff\xff" + detached_model())


def test_message_is_bounded_by_its_stated_length() -> None:
    file = container(detached_model(), payloads())
    shorter = file[:4] + (int.from_bytes(file[4:8], "little") - 1).to_bytes(4, "little") + file[8:]
    with pytest.raises(InvalidModelError, match="beyond the end of its message"):
        read(shorter)


def test_version_inside_is_checked() -> None:
    with pytest.raises(UnsupportedVersionError):
        read(container(number_field(1, 9), b""))
