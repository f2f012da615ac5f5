"""bridge.targets.tensor_bytes: little-endian, row-major, and no copy where none is needed."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from bridge.targets.tensor_bytes import tensor_bytes


def test_contiguous_memory_is_not_copied() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.shares_memory(np.frombuffer(tensor_bytes(ir.Tensor(array)), np.uint8), array)


def test_unaligned_memory_is_not_copied() -> None:
    memory = np.frombuffer(b"x" + np.arange(12, dtype=np.float64).tobytes(), np.uint8)
    array = memory[1:].view(np.float64)
    assert not array.flags.aligned
    stored = tensor_bytes(ir.Tensor(array))
    assert np.shares_memory(np.frombuffer(stored, np.uint8), memory)
    assert bytes(stored) == memory[1:].tobytes()


def test_strided_view_is_written_row_by_row() -> None:
    array = np.arange(6, dtype=np.int64).reshape(2, 3).T
    assert bytes(tensor_bytes(ir.Tensor(array))) == np.array([0, 3, 1, 4, 2, 5], "<i8").tobytes()


def test_scalar_has_the_bytes_of_one_element() -> None:
    assert bytes(tensor_bytes(ir.Tensor(np.array(1.0, np.float32)))) == b"\0\0\x80\x3f"


def test_empty_tensor_has_no_bytes() -> None:
    assert bytes(tensor_bytes(ir.Tensor(np.zeros((0, 5), np.float32)))) == b""


def test_four_bit_elements_are_packed_in_pairs() -> None:
    tensor = ir.Tensor(np.array([1, 2, 3], np.uint8), ir.DataType.UINT4)
    assert bytes(tensor_bytes(tensor)) == b"\x21\x03"


def test_tensor_of_another_size_than_stated_is_an_error() -> None:
    lazy = ir.LazyTensor(lambda: ir.Tensor(np.ones(3, np.float32)), ir.DataType.FLOAT, ir.Shape([4]), name="w")
    with pytest.raises(ValueError, match="initializer 'w' says that it has 16 bytes and computes 12"):
        tensor_bytes(lazy)
