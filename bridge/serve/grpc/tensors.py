"""Tensors in messages <-> numpy. Inputs come all as bytes, or all as typed contents; answers are always bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from bridge.errors import RequestRefusedError
from bridge.runtime.served import Array
from bridge.serve.grpc.messages import ModelInferResponse
from bridge.serve.protocol.datatypes import NUMPY_TYPES, element_count, from_octets, numpy_type, protocol_name
from bridge.serve.protocol.request import TENSORS_AT_MOST, InferenceRequest, checked_name, seconds_of

_WIDE: Final = {"i": np.dtype(np.int64), "u": np.dtype(np.uint64)}
_CONTENTS: Final = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents", "INT64": "int64_contents",
    "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents", "UINT64": "uint64_contents",
    "FP32": "fp32_contents", "FP64": "fp64_contents",
}  # fmt: skip


def read_message(message: Any) -> InferenceRequest:
    """The request in a ``ModelInferRequest``. Raises ``RequestRefusedError`` with the place at fault."""
    raw = message.raw_input_contents
    if not 0 < len(message.inputs) <= TENSORS_AT_MOST or len(message.outputs) > TENSORS_AT_MOST:
        raise RequestRefusedError("malformed", f"inputs, outputs: expected from 1 and at most {TENSORS_AT_MOST}")
    if raw and len(raw) != len(message.inputs):
        raise RequestRefusedError("malformed", f"raw_input_contents: expected {len(message.inputs)}; found {len(raw)}")
    inputs: dict[str, Array] = {}
    for index, tensor in enumerate(message.inputs):
        where = f"inputs[{index}]"
        name = checked_name(tensor.name, f"{where}.name")
        if name in inputs:
            raise RequestRefusedError("malformed", f"{where}: the second input called {name!a}")
        inputs[name] = _raw(tensor, raw[index], where) if raw else _typed(tensor, where)
    names = tuple(checked_name(output.name, "outputs") for output in message.outputs)
    if len(set(names)) != len(names):
        raise RequestRefusedError("malformed", "outputs: one name stands twice")
    if any("classification" in output.parameters for output in message.outputs):
        raise RequestRefusedError("malformed", "outputs: classification is not offered; ask for the tensor")
    return InferenceRequest(checked_name(message.id, "id"), inputs, names, seconds=_seconds(message))


def answer_message(name: str, version: str, request: InferenceRequest, outputs: Mapping[str, Array]) -> Any:
    """The ``ModelInferResponse`` that answers ``request``."""
    answer = ModelInferResponse(model_name=name, model_version=version, id=request.identifier)
    for output, array in outputs.items():
        datatype = protocol_name(array.dtype)
        answer.outputs.add(name=output, datatype=datatype, shape=array.shape)
        answer.raw_output_contents.append(np.ascontiguousarray(array, NUMPY_TYPES[datatype]).tobytes())
    return answer


def _raw(tensor: Any, octets: bytes, where: str) -> Array:
    if tensor.HasField("contents"):
        raise RequestRefusedError("malformed", f"{where}: expected contents or raw_input_contents, not both")
    return from_octets(octets, numpy_type(tensor.datatype, where), list(tensor.shape), where)


def _typed(tensor: Any, where: str) -> Array:
    dtype = numpy_type(tensor.datatype, where)
    field = _CONTENTS.get(tensor.datatype)
    if field is None:
        raise RequestRefusedError("malformed", f"{where}: {tensor.datatype} has to come in raw_input_contents")
    if any(descriptor.name != field for descriptor, _ in tensor.contents.ListFields()):
        raise RequestRefusedError("malformed", f"{where}.contents: expected {field} alone for {tensor.datatype}")
    shape = list(tensor.shape)
    count = element_count(shape, where)
    values = getattr(tensor.contents, field)
    if len(values) != count:
        raise RequestRefusedError("malformed", f"{where}.contents: expected {count} elements; found {len(values)}")
    # Narrow integers travel in wider ones.
    array = np.array(values, _WIDE.get(dtype.kind, dtype))
    if dtype.kind in _WIDE and array.size:
        bounds = np.iinfo(dtype)
        if int(array.min()) < bounds.min or int(array.max()) > bounds.max:
            raise RequestRefusedError("malformed", f"{where}.contents: a number beyond the range of {tensor.datatype}")
    return array.astype(dtype, copy=False).reshape(shape)


def _seconds(message: Any) -> float | None:
    if "timeout" not in message.parameters:
        return None
    parameter = message.parameters["timeout"]
    choice = parameter.WhichOneof("parameter_choice")
    return seconds_of(getattr(parameter, choice) if choice in {"int64_param", "uint64_param"} else "")
