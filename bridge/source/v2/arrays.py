"""The message ``NDArrayView``: weights, found in the file and viewed where they are."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import DataType, NDShape, Tensor
from bridge.limits import Limits
from bridge.source.v2.leaves import read_shape
from bridge.source.v2.packed import read_zigzag16
from bridge.source.v2.wire import read_fields, repeated_field, unexpected_field


class _Form(NamedTuple):
    """How the elements of one data type are stored."""

    tag: int  # of the member of NDArrayView's oneof
    message: str
    stored: np.dtype[np.generic]


_FLOATS = _Form(0x22, "NDArrayView.float_values", np.dtype("<f4"))
_FORMS = {
    DataType.FLOAT: _FLOATS,
    DataType.FLOAT16: _FLOATS,  # widened: four bytes each
    DataType.DOUBLE: _Form(0x2A, "NDArrayView.double_values", np.dtype("<f8")),
    DataType.INT8: _Form(0x32, "NDArrayView.bytes_value", np.dtype("i1")),
    DataType.INT16: _Form(0x3A, "NDArrayView.sint32_values", np.dtype("<i2")),
}
_DATA_TYPES = {int(data_type): data_type for data_type in DataType}
_FORM_TAGS = frozenset(form.tag for form in _FORMS.values())


class Payloads:
    """Where the elements of arrays come from: the message itself, or the bytes behind it in the container for large models.

    ``position`` is the offset of the next payload behind the message, ``None`` when arrays hold their own elements.
    """

    def __init__(self, data: memoryview, limits: Limits, position: int | None = None) -> None:
        self._data = data
        self._limits = limits
        self.position = position
        self.arrays = 0

    def read_array(self, start: int, end: int) -> Tensor:
        """The ``NDArrayView`` in ``data[start:end]``, its values a view of the file. No element is looked at."""
        self.arrays += 1
        data_type, column_major, member = self._read_header(start, end)
        form = _FORMS.get(data_type)
        if form is None:
            raise InvalidModelError(
                "an array has no usable element type", offset=start, field="NDArrayView.data_type", found=data_type.name
            )
        count = _element_count(column_major, self._limits, start)
        shape = tuple(reversed(column_major))
        if self.position is not None:
            values, offset = self._read_detached(data_type, form, count, member, start)
        else:
            values, offset = self._read_embedded(form, count, member, start)
        return Tensor(data_type, shape, values, offset)

    def _read_header(self, start: int, end: int) -> tuple[DataType, NDShape, tuple[int, int, int] | None]:
        """Element type, column-major shape, and the oneof member present as ``(tag, start, end)``."""
        data_type, shape = DataType.UNKNOWN, NDShape()
        member: tuple[int, int, int] | None = None
        seen: set[int] = set()
        for tag, a, b, at in read_fields(self._data, start, end):
            if tag in seen:
                raise repeated_field("NDArrayView", tag, at)
            seen.add(tag)
            if tag == 0x08:
                data_type = _read_data_type(a, at)
            elif tag == 0x10:
                if a != 0:
                    raise InvalidModelError(
                        "an array claims to be sparse, but the format has no place for the indices of its elements",
                        offset=at, field="NDArrayView.storage_format", expected="0 (dense)", found=str(a),
                    )  # fmt: skip
            elif tag == 0x1A:
                shape = read_shape(self._data, a, b, self._limits)
            elif tag in _FORM_TAGS:
                if member is not None:
                    raise InvalidModelError("an array has elements in two forms", offset=at, field="NDArrayView")
                member = tag, a, b
            else:
                raise unexpected_field("NDArrayView", tag, at)
        return data_type, shape, member

    def _read_embedded(
        self, form: _Form, count: int, member: tuple[int, int, int] | None, start: int
    ) -> tuple[npt.NDArray[np.generic], int]:
        """The elements inside the message: one packed run, whose length must be what the shape says."""
        if member is not None and member[0] != form.tag:
            raise InvalidModelError(
                "an array has elements of another type than it says", offset=start, field="NDArrayView", expected=form.message
            )
        a, b = self._find_run(form, member) if member is not None else (start, start)
        if form.message == "NDArrayView.sint32_values":
            return read_zigzag16(self._data, a, b, count), a
        if b - a != count * form.stored.itemsize:
            raise InvalidModelError(
                "an array's elements do not fill its shape",
                offset=a, field=form.message, expected=f"{count * form.stored.itemsize} bytes", found=f"{b - a} bytes",
            )  # fmt: skip
        return np.frombuffer(self._data, form.stored, count, a) if count else np.empty(0, form.stored), a

    def _find_run(self, form: _Form, member: tuple[int, int, int]) -> tuple[int, int]:
        """Where the single packed run of a ``FloatValues``-like message lies.

        Proto3 writers always pack, into one run. Several runs, or unpacked elements, could not be viewed in place: refused.
        """
        run: tuple[int, int] | None = None
        for tag, a, b, at in read_fields(self._data, member[1], member[2]):
            if tag != 0x0A:
                raise unexpected_field(form.message, tag, at)
            if run is not None:
                raise repeated_field(form.message, tag, at)
            run = a, b
        return run or (member[1], member[1])

    def _read_detached(
        self, data_type: DataType, form: _Form, count: int, member: tuple[int, int, int] | None, start: int
    ) -> tuple[npt.NDArray[np.generic], int]:
        """The elements behind the message: the next ``count`` of them, without header or padding."""
        assert self.position is not None
        if data_type in (DataType.INT8, DataType.INT16):
            # CNTK's own reader does not match its writer here, so no such file can be read back by CNTK either.
            raise InvalidModelError(
                "an array of small integers in a container for large models", offset=start, found=data_type.name
            )
        if member is not None and member[1] != member[2]:
            raise InvalidModelError("an array has elements both in the message and behind it", offset=start, field="NDArrayView")
        size = count * form.stored.itemsize
        left = len(self._data) - self.position
        if size > left:
            raise InvalidModelError(
                "an array reaches beyond the end of the file",
                offset=self.position, field="NDArrayView", expected=f"at most {left} bytes", found=f"{size} bytes",
            )  # fmt: skip
        offset, self.position = self.position, self.position + size
        return np.frombuffer(self._data, form.stored, count, offset) if count else np.empty(0, form.stored), offset


def _read_data_type(code: int, at: int) -> DataType:
    data_type = _DATA_TYPES.get(code)
    if data_type is None:
        raise InvalidModelError("an unknown element type", offset=at, field="NDArrayView.data_type", found=str(code))
    return data_type


def _element_count(shape: NDShape, limits: Limits, start: int) -> int:
    """The number of elements of ``shape`` (1 for a scalar), bounded before anything is done with it."""
    if any(dim < 0 for dim in shape):
        raise InvalidModelError(
            "an array has a dimension that is left open", offset=start, field="NDArrayView.shape", found=str(list(shape))
        )
    count = math.prod(shape)
    if count > limits.tensor_elements:
        raise LimitExceededError(
            "array elements", limit=limits.tensor_elements, actual=count, offset=start, field="NDArrayView.shape"
        )
    return count
