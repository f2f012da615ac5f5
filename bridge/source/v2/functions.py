"""Operator applications: the elements of ``primitive_functions``."""

from __future__ import annotations

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import Block, Function, UserCode
from bridge.graph.operators import OPERATORS, USER_DEFINED
from bridge.limits import Limits
from bridge.source.v2.dictionary import Dictionary
from bridge.source.v2.records import check_type, check_version, elements, optional, read_uid, required

MAX_COMPOSITE_VERSION = 3
MAX_FUNCTION_VERSION = 24

_BLOCK = "block_function_composite"
_BLOCK_NAME = "block_function_op_name"
_MAP_KEYS = "block_function_composite_arguments_map_keys"
_MAP_VALUES = "block_function_composite_arguments_map_values"
BLOCK_KEYS = frozenset((_BLOCK, _BLOCK_NAME, _MAP_KEYS, _MAP_VALUES))
PRIMITIVE_KEYS = frozenset(("version", "type", "uid", "name", "op", "attributes", "inputs"))
USER_KEYS = frozenset(("version", "type", "uid", "name", "inputs", "native", "user_defined_state"))


def output_uid(function: str, index: int) -> str:
    """The uid of output ``index`` of the function with uid ``function``."""
    return f"{function}_Output_{index}"


def read_function(record: Dictionary, limits: Limits) -> Function:
    """The function that ``record`` describes. The outputs of blocks and of user functions are left for ``outputs`` to find."""
    kind = required(record, "type", str)
    if kind == "UserDefinedFunction":
        return _read_user_function(record, limits)
    check_type(record, "PrimitiveFunction")
    uid = read_uid(record, limits)
    check_version(record, 1, MAX_FUNCTION_VERSION, "functions")
    number = required(record, "op", int)
    op = OPERATORS.get(number)
    if op is None:
        raise InvalidModelError(
            "an unknown operator", offset=record.offset, field=f"{uid}.op", expected=f"0 to {max(OPERATORS)}", found=str(number)
        )
    attributes = required(record, "attributes", Dictionary)
    return Function(
        uid=uid,
        op=op,
        inputs=_read_inputs(record, limits),
        outputs=tuple(output_uid(uid, index) for index in range(_own_outputs(op, attributes))),
        name=optional(record, "name", str, ""),
        attributes=attributes,
        block=_read_block(record, limits) if op == "Block" else None,
        offset=record.offset,
    )


def _own_outputs(op: str, attributes: Dictionary) -> int:
    """How many outputs an operator has. ``Combine`` has none of its own; those of blocks depend on their inside."""
    if op in ("Combine", "Block"):
        return 0
    if op == "UnpackSequence":
        return 1 if attributes.get("sequenceUnpackSuppressMaskOutput") is True else 2
    return 2 if op == "TopK" else 1


def _read_inputs(record: Dictionary, limits: Limits) -> tuple[str, ...]:
    inputs = elements(record, "inputs", str)
    if len(inputs) > limits.function_inputs:
        raise LimitExceededError(
            "inputs of a function",
            limit=limits.function_inputs,
            actual=len(inputs),
            offset=record.offset,
            field=str(record["uid"]),
        )
    return inputs


def _read_block(record: Dictionary, limits: Limits) -> Block:
    """What makes a function a block: a composite without leaves of its own, and how its placeholders are bound."""
    composite = required(record, _BLOCK, Dictionary)
    check_type(composite, "CompositeFunction")
    check_version(composite, 1, MAX_COMPOSITE_VERSION, "composite functions")
    read_uid(composite, limits)
    inner, outer = elements(record, _MAP_KEYS, str), elements(record, _MAP_VALUES, str)
    arguments = dict(zip(inner, outer, strict=False))
    if not len(arguments) == len(inner) == len(outer):
        raise InvalidModelError(
            "the arguments of a block do not pair up",
            offset=record.offset,
            field=str(record["uid"]),
            expected="distinct placeholders, one value for each",
            found=f"{len(arguments)} placeholders in {len(inner)} places, {len(outer)} values",
        )
    return Block(required(record, _BLOCK_NAME, str), required(composite, "root", str), arguments)


def _read_user_function(record: Dictionary, limits: Limits) -> Function:
    """A user-defined function, as text to show. Nothing that it names is imported, opened or called, here or later."""
    uid = read_uid(record, limits)
    check_version(record, 0, MAX_FUNCTION_VERSION, "functions")
    native = required(record, "native", bool)
    state = required(record, "user_defined_state", Dictionary)
    return Function(
        uid=uid,
        op=USER_DEFINED,
        inputs=_read_inputs(record, limits),
        outputs=(),
        name=optional(record, "name", str, ""),
        user_code=UserCode(
            native=native,
            op_name=optional(state, "op" if native else "op_name", str, ""),
            module=optional(state, "module", str, ""),
            symbol=optional(state, "deserialize_method" if native else "class", str, ""),
        ),
        offset=record.offset,
    )
