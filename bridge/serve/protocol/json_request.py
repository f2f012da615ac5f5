"""A body of HTTP -> a request. Tensors are JSON, or bytes behind it in the order of the inputs (the binary tensor extension)."""

from __future__ import annotations

from typing import Any, Final

from bridge.errors import RequestRefusedError
from bridge.runtime.served import Array
from bridge.serve.protocol.datatypes import element_count, from_octets, numpy_type
from bridge.serve.protocol.json_text import read_json, tensor_of
from bridge.serve.protocol.number_lists import NumberList
from bridge.serve.protocol.request import TENSORS_AT_MOST, InferenceRequest, checked_name, seconds_of

HEADER_LENGTH: Final = "inference-header-content-length"


def read_request(body: bytes, header_length: str | None) -> InferenceRequest:
    """The request in ``body``. ``header_length`` is the extension's header, the number of bytes that are JSON.

    Raises ``RequestRefusedError`` with the place at fault.
    """
    split = _split(len(body), header_length)
    document = read_json(body if split is None else body[:split])
    if not isinstance(document, dict):
        raise RequestRefusedError("malformed", "the request: expected an object")
    parameters = _object(document, "parameters", "the request")
    tail = memoryview(b"" if split is None else body)[split or 0 :]
    inputs = _inputs(document, tail)
    names, binary = _outputs(document)
    return InferenceRequest(
        checked_name(document.get("id", ""), "id"),
        inputs,
        names,
        binary,
        binary_default=parameters.get("binary_data_output") is True,
        seconds=seconds_of(parameters.get("timeout")),
    )


def _split(size: int, header_length: str | None) -> int | None:
    if header_length is None:
        return None
    if not (header_length.isascii() and header_length.isdigit()) or len(header_length) > 18 or int(header_length) > size:
        raise RequestRefusedError("malformed", "Inference-Header-Content-Length: expected the number of bytes that are JSON")
    return int(header_length)


def _inputs(document: dict[str, Any], tail: memoryview) -> dict[str, Array]:
    tensors = _list(document, "inputs")
    if not tensors:
        raise RequestRefusedError("malformed", "inputs: expected at least one")
    inputs: dict[str, Array] = {}
    for index, tensor in enumerate(tensors):
        where = f"inputs[{index}]"
        if not isinstance(tensor, dict):
            raise RequestRefusedError("malformed", f"{where}: expected an object")
        name = checked_name(tensor.get("name"), f"{where}.name")
        if name in inputs:
            raise RequestRefusedError("malformed", f"{where}: the second input called {name!a}")
        inputs[name], tail = _tensor(tensor, tail, where)
    if len(tail):
        raise RequestRefusedError("malformed", f"{len(tail)} bytes behind the last tensor")
    return inputs


def _tensor(tensor: dict[str, Any], tail: memoryview, where: str) -> tuple[Array, memoryview]:
    """The tensor, and what follows it in the binary part."""
    dtype = numpy_type(tensor.get("datatype"), where)
    shape = tensor.get("shape")
    count = element_count(shape, where)
    assert isinstance(shape, list)
    size = _object(tensor, "parameters", where).get("binary_data_size")
    data = tensor.get("data")
    if (size is None) == (data is None):
        raise RequestRefusedError("malformed", f"{where}: expected either data or parameters.binary_data_size")
    if size is not None:
        if type(size) is not int or not 0 <= size <= len(tail):
            raise RequestRefusedError(
                "malformed", f"{where}.parameters.binary_data_size: expected at most the {len(tail)} bytes left"
            )
        return from_octets(tail[:size], dtype, shape, where), tail[size:]
    if not isinstance(data, list | NumberList):
        raise RequestRefusedError("malformed", f"{where}.data: expected a list")
    array = tensor_of(data, dtype, where)
    if array.size != count:
        raise RequestRefusedError("malformed", f"{where}.data: expected {count} elements, as the shape has; found {array.size}")
    return array.reshape(shape), tail


def _outputs(document: dict[str, Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The names asked for, and those of them that are wanted as bytes."""
    names: list[str] = []
    binary: set[str] = set()
    for index, output in enumerate(_list(document, "outputs")):
        where = f"outputs[{index}]"
        if not isinstance(output, dict):
            raise RequestRefusedError("malformed", f"{where}: expected an object")
        name = checked_name(output.get("name"), f"{where}.name")
        if name in names:
            raise RequestRefusedError("malformed", f"{where}: the second output called {name!a}")
        names.append(name)
        parameters = _object(output, "parameters", where)
        if parameters.get("classification"):
            raise RequestRefusedError("malformed", f"{where}.parameters.classification: not offered; ask for the tensor")
        if parameters.get("binary_data") is True:
            binary.add(name)
    return tuple(names), frozenset(binary)


def _list(document: dict[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > TENSORS_AT_MOST:
        raise RequestRefusedError("malformed", f"{key}: expected a list of at most {TENSORS_AT_MOST}")
    return value


def _object(document: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = document.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RequestRefusedError("malformed", f"{where}.{key}: expected an object")
    return value
