"""Constant data: of a known type, in one place, and exactly as long as its dimensions say.

A tensor with two fields of data is two tensors: one that a checker reads, and one that the engine runs. So is one whose stated
length differs from what is there.
"""

from __future__ import annotations

import math
from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.element_types import ELEMENT_TYPES
from bridge.runtime.admission.model import Tensor
from bridge.runtime.admission.subject import Subject
from bridge.runtime.limits import ModelLimits

TENSOR_TYPES: Final = "tensor-types"
TENSOR_DATA: Final = "tensor-data"
DIMENSIONS: Final = "dimensions"

EXTERNAL: Final = 1


def check_tensor_types(subject: Subject) -> None:
    """Numbers of whole bytes alone: no strings, of which an engine parses each, and no packed types."""
    for tensor in subject.model.tensors():
        if tensor.data_type not in ELEMENT_TYPES:
            raise RefusedModelError(
                TENSOR_TYPES, tensor.where, expected="numbers or truth values", found=f"the type {tensor.data_type}"
            )


def check_dimensions(subject: Subject) -> None:
    """No negative extent, and a product of extents that no 64-bit arithmetic overflows. Stated shapes of values likewise."""
    for tensor in subject.model.tensors():
        _refuse_shape(tensor.where, tensor.dims, subject.limits)
    for graph in subject.model.graphs():
        for value in (*graph.inputs, *graph.outputs, *graph.values):
            if value.shape is not None:
                _refuse_shape(value.where, [extent for extent in value.shape if isinstance(extent, int)], subject.limits)


def check_tensor_data(subject: Subject) -> None:
    """Data stand in ``raw_data``, as the converter writes them, or in a listed file; as many bytes as the dimensions ask for."""
    for tensor in subject.model.tensors():
        if tensor.data_location == EXTERNAL or tensor.external:
            _refuse_inline(tensor)
            continue
        if tensor.filled not in {("raw_data",), ()}:
            raise RefusedModelError(
                TENSOR_DATA, tensor.where, expected="data in raw_data alone", found=f"{' and '.join(tensor.filled)}"
            )
        found = 0 if tensor.raw is None else len(tensor.raw)
        if (expected := tensor_bytes(tensor)) is not None and found != expected:
            raise RefusedModelError(TENSOR_DATA, tensor.where, expected=f"{expected} bytes of data", found=str(found))


def tensor_bytes(tensor: Tensor) -> int | None:
    """The bytes that type and dimensions ask for; ``None`` for a type that is not admitted."""
    known = ELEMENT_TYPES.get(tensor.data_type)
    return None if known is None else math.prod(tensor.dims) * known.itemsize


def _refuse_inline(tensor: Tensor) -> None:
    if tensor.filled or tensor.data_location != EXTERNAL or not tensor.external:
        here = " and ".join(tensor.filled) or "no data"
        found = f"data_location {tensor.data_location}, {len(tensor.external)} entries, {here} here"
        raise RefusedModelError(TENSOR_DATA, tensor.where, expected="data either here or in a file", found=found)


def _refuse_shape(where: str, extents: list[int] | tuple[int, ...], limits: ModelLimits) -> None:
    if len(extents) > limits.rank:
        raise RefusedModelError(DIMENSIONS, where, expected=f"at most {limits.rank} dimensions", found=str(len(extents)))
    negative = next((extent for extent in extents if extent < 0), None)
    if negative is not None:
        raise RefusedModelError(DIMENSIONS, where, expected="extents of at least 0", found=str(negative))
    # Zeros are left out: beside one, an engine may multiply the others first, and overflow.
    elements = math.prod(extent for extent in extents if extent)
    if elements > limits.tensor_elements:
        raise RefusedModelError(DIMENSIONS, where, expected=f"at most {limits.tensor_elements} elements", found=str(elements))
