"""Builds `case.json`: how the variables of a recorded model look and where the model comes from."""

import hashlib
import json
from typing import Any, Dict, List, Optional

import cntk

from recorder.case import Batch

DTYPES = {
    cntk.cntk_py.DataType_Float: "float32",
    cntk.cntk_py.DataType_Double: "float64",
    cntk.cntk_py.DataType_Float16: "float16",
}


def describe_variable(variable: cntk.Variable, value: Batch) -> Dict[str, Any]:
    """Name, shape, type and axes of one input or output, with the batch size where storage is ragged."""
    description = {
        "name": variable.name,
        "uid": variable.uid,
        "shape": list(variable.shape),
        "dtype": DTYPES[variable.get_data_type()],
        "dynamic_axes": [axis.name for axis in variable.dynamic_axes],
        "sparse": variable.is_sparse,
    }
    if isinstance(value, list):
        description["sequences"] = len(value)
    return description


def operator_names(outputs: List[cntk.Variable]) -> List[str]:
    """Names of all operators that `outputs` depend on, those inside blocks included."""
    bundle = cntk.combine(outputs)
    found = set()

    def visit(node: Any) -> bool:
        if isinstance(node, cntk.Function) and node.uid != bundle.root_function.uid:
            found.add(node.op_name)
        return False

    cntk.logging.graph.depth_first_search(bundle, visit, depth=-1)
    return sorted(found)


def describe_case(
    source: str,
    model_path: str,
    operators: List[str],
    inputs: List[Dict[str, Any]],
    outputs: List[Dict[str, Any]],
    note: Optional[str],
) -> str:
    """The text of `case.json`."""
    with open(model_path, "rb") as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    content = {
        "format": "golden-case/1",
        "producer": "CNTK 2.7 CPU",
        "source": source,
        "ops": operators,
        "model": "model.dnn",
        "model_sha256": digest,
        "inputs": inputs,
        "outputs": outputs,
    }
    if note is not None:
        content["note"] = note
    content["expect"] = "match"
    return json.dumps(content, indent=1) + "\n"
