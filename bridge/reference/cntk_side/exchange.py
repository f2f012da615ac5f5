"""How the two interpreters hand each other tensors: one JSON document, one file of bytes that it refers to.

A tensor is `{"dtype", "shape", "offset"}`, row-major in `tensors.bin`. No format of either numpy has to be parsed by the other.
"""

import json
import os
from typing import Any, Dict, List

import numpy as np

RESULT, TENSORS = "result.json", "tensors.bin"


def read_inputs(folder: str, request: Dict[str, Any]) -> Dict[str, Any]:
    """The inputs by key: an array, or a list of arrays where the input has a sequence axis."""
    with open(os.path.join(folder, TENSORS), "rb") as stream:
        data = stream.read()
    inputs = {}
    for entry in request["inputs"]:
        parts = [_read_tensor(data, part) for part in entry["parts"]]
        inputs[entry["key"]] = parts if entry["ragged"] else parts[0]
    return inputs


def _read_tensor(data: bytes, part: Dict[str, Any]) -> np.ndarray:
    count = 1
    for dimension in part["shape"]:
        count *= dimension
    return np.frombuffer(data, dtype=part["dtype"], count=count, offset=part["offset"]).reshape(part["shape"])


def write_result(folder: str, result: Dict[str, Any], tensors: List[Any]) -> None:
    """Write the result; `tensors` has a value (array or list of arrays) for each entry of `result["values"]`, in that order."""
    offset = 0
    with open(os.path.join(folder, TENSORS), "wb") as stream:
        for entry, value in zip(result.get("values", ()), tensors):
            entry["ragged"] = isinstance(value, list)
            entry["parts"] = []
            for array in value if isinstance(value, list) else [value]:
                data = np.ascontiguousarray(array).tobytes()
                entry["parts"].append({"dtype": str(array.dtype), "shape": list(array.shape), "offset": offset})
                stream.write(data)
                offset += len(data)
    # Renamed when it is whole: a document that is there is complete.
    path = os.path.join(folder, RESULT)
    with open(path + ".part", "w", encoding="utf-8") as stream:
        json.dump(result, stream)
    os.rename(path + ".part", path)
