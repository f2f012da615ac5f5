"""Small models as nested data, for ``wire_writer`` to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.graph.model import Model
from bridge.graph.operators import OPERATOR_IDS
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.source import read_model
from tests.source.v2.wire_writer import BATCH, DATA_TYPES, Shape, Size, Value, dictionary

Record = dict[str, Value]


def variable(uid: str, kind: int, dims: Sequence[int], **changes: Value) -> Record:
    """A leaf without a value; ``dims`` column-major. ``changes`` replace or add keys."""
    record: Record = {
        "version": Size(1),
        "type": "Variable",
        "uid": uid,
        "kind": Size(kind),
        "data_type": Size(1),
        "dynamic_axis": [BATCH] if kind == 0 else [],
        "is_sparse": False,
        "needs_gradient": False,
        "shape": Shape(dims),
    }
    return record | changes


def input_(uid: str = "x", dims: Sequence[int] = (2,), **changes: Value) -> Record:
    return variable(uid, 0, dims, **changes)


def parameter(uid: str, value: npt.NDArray[Any], *, kind: int = 2, **changes: Value) -> Record:
    changes = {"data_type": Size(DATA_TYPES[value.dtype.name]), "value": value} | changes
    return variable(uid, kind, tuple(reversed(value.shape)), **changes)


def constant(uid: str, value: npt.NDArray[Any], **changes: Value) -> Record:
    return parameter(uid, value, kind=3, **changes)


def placeholder(uid: str, **changes: Value) -> Record:
    return variable(uid, 4, ((1 << 64) - 2,), data_type=Size(0), **changes)


def function(uid: str, op: str | int, inputs: Iterable[str], attributes: Record | None = None, **changes: Value) -> Record:
    record: Record = {
        "version": Size(24),
        "type": "PrimitiveFunction",
        "uid": uid,
        "op": Size(OPERATOR_IDS[op] if isinstance(op, str) else op),
        "attributes": attributes or {},
        "inputs": list(inputs),
    }
    return record | changes


def block(uid: str, root: str, arguments: Mapping[str, str], op_name: str = "Dense", **changes: Value) -> Record:
    composite: Record = {"version": Size(3), "type": "CompositeFunction", "uid": f"Composite_of_{uid}", "root": root}
    inside: Record = {
        "block_function_op_name": op_name,
        "block_function_composite": composite,
        "block_function_composite_arguments_map_keys": list(arguments),
        "block_function_composite_arguments_map_values": list(arguments.values()),
    }
    return function(uid, "Block", arguments.values()) | inside | changes


def user_function(uid: str, inputs: Iterable[str], *, native: bool = False, **state: Value) -> Record:
    return {
        "version": Size(0),
        "type": "UserDefinedFunction",
        "uid": uid,
        "inputs": list(inputs),
        "native": native,
        "user_defined_state": state,
    }


def composite(root: str, leaves: Iterable[Record], functions: Iterable[Record], **changes: Value) -> Record:
    record: Record = {
        "version": Size(3),
        "type": "CompositeFunction",
        "uid": "CompositeFunction1",
        "root": root,
        "inputs": list(leaves),
        "primitive_functions": list(functions),
    }
    return record | changes


def small_model(**changes: Value) -> Record:
    """X + w, with w = [1, 2]."""
    leaves = [input_(), parameter("w", np.array([1, 2], np.float32))]
    return composite("Plus1", leaves, [function("Plus1", "Plus", ["x", "w"])]) | changes


def unary_model(op: str, attributes: Record, **changes: Value) -> Record:
    """One operator on one input of shape (2,)."""
    return composite("F", [input_()], [function("F", op, ["x"], attributes, **changes)])


def read(record: Record | bytes, limits: Limits = DEFAULT_LIMITS) -> Model:
    octets = record if isinstance(record, bytes) else dictionary(record)
    return read_model(memoryview(octets), limits)
