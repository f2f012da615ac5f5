"""An answer -> a body of HTTP: JSON, with the tensors that were wanted as bytes behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from bridge.errors import RequestRefusedError
from bridge.runtime.served import Array
from bridge.serve.protocol.datatypes import NUMPY_TYPES, protocol_name
from bridge.serve.protocol.request import InferenceRequest


@dataclass(frozen=True, slots=True)
class EncodedAnswer:
    """``body`` and the number of its bytes that are JSON, ``None`` when all are."""

    body: bytes
    header_length: int | None


def encode_answer(name: str, version: str, request: InferenceRequest, outputs: Mapping[str, Array]) -> EncodedAnswer:
    """The body that answers ``request``. Raises ``RequestRefusedError`` for NaN or infinity in an output wanted as JSON."""
    tensors: list[dict[str, Any]] = []
    octets: list[bytes] = []
    for output, array in outputs.items():
        datatype = protocol_name(array.dtype)
        tensor: dict[str, Any] = {"name": output, "datatype": datatype, "shape": list(array.shape)}
        if request.is_binary(output):
            octets.append(np.ascontiguousarray(array, NUMPY_TYPES[datatype]).tobytes())
            tensor["parameters"] = {"binary_data_size": len(octets[-1])}
        else:
            tensor["data"] = _numbers(output, array)
        tensors.append(tensor)
    document: dict[str, Any] = {"model_name": name, "model_version": version}
    if request.identifier:
        document["id"] = request.identifier
    head = orjson.dumps(document | {"outputs": tensors}, option=orjson.OPT_SERIALIZE_NUMPY)
    return EncodedAnswer(b"".join((head, *octets)), len(head)) if octets else EncodedAnswer(head, None)


def _numbers(output: str, array: Array) -> Array:
    # JSON has no word for these, and null would be another value than the model gave.
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise RequestRefusedError(
            "not-representable", f"output {output!r} has NaN or infinity, which JSON cannot say: ask for binary data"
        )
    return np.ascontiguousarray(array).reshape(-1)
