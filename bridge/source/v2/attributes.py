"""The inputs and attributes of a function against what its operator takes."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.errors import InvalidModelError
from bridge.graph.attribute_schema import SCHEMAS, find_attribute_faults, find_unknown_attributes
from bridge.graph.model import Function, Hazard
from bridge.graph.operators import USER_DEFINED
from bridge.limits import Limits


def check_attributes(function: Function, limits: Limits) -> None:
    """Check the number of inputs, and the type and range of each attribute; raises ``InvalidModelError`` for the first fault."""
    if function.op == USER_DEFINED:
        return
    schema = SCHEMAS[function.op]
    if not schema.lowest <= len(function.inputs) <= schema.highest:
        raise InvalidModelError(
            f"{function.op} has a number of inputs that it cannot have",
            offset=function.offset,
            field=function.uid[:80],
            expected=str(schema.lowest) if schema.lowest == schema.highest else f"{schema.lowest} to {schema.highest}",
            found=str(len(function.inputs)),
        )
    for fault in find_attribute_faults(function.op, function.attributes, limits):
        raise InvalidModelError(
            f"an attribute of {function.op} has a value that it cannot have",
            offset=function.offset,
            field=f"{function.uid[:80]}.{fault.key[:80]}",
            expected=fault.expected,
            found=fault.found,
        )


def attribute_hazards(function: Function) -> Iterator[Hazard]:
    """Attributes that are unusual without being wrong."""
    if function.op == USER_DEFINED or not function.attributes:
        return
    for key in find_unknown_attributes(function.op, function.attributes):
        yield Hazard("unknown-attribute", function.uid, f"{function.op} has no attribute {key[:80]!r}; it is ignored")
    epsilon = function.attributes.get("epsilon")
    if function.op == "BatchNormalization" and isinstance(epsilon, float) and not 0 < epsilon <= 1:
        yield Hazard("unusual-epsilon", function.uid, f"epsilon {epsilon} of a batch normalization")
