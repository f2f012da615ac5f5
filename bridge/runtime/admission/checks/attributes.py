"""Attributes: each once, with one value, of the type that it states. Graphs only where an operator has a body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.model import Attribute, Node
from bridge.runtime.admission.subject import Subject

ATTRIBUTES: Final = "attributes"

_FIELDS: Final[Mapping[int, str]] = {
    1: "f",
    2: "i",
    3: "s",
    4: "t",
    5: "g",
    6: "floats",
    7: "ints",
    8: "strings",
    9: "tensors",
    10: "graphs",
}
"""The field that holds the value, by ``AttributeProto.type``."""

_LISTS: Final = frozenset({"floats", "ints", "strings", "tensors", "graphs"})
_BODIES: Final[Mapping[str, frozenset[str]]] = {
    "Scan": frozenset({"body"}),
    "Loop": frozenset({"body"}),
    "If": frozenset({"then_branch", "else_branch"}),
}


def check_attributes(subject: Subject) -> None:
    """What an attribute holds is what its type says, and nothing beside it; a body is where its operator has one."""
    for node in subject.model.nodes():
        names = [attribute.name for attribute in node.attributes]
        if len(set(names)) != len(names):
            raise RefusedModelError(ATTRIBUTES, node.where, expected="each attribute once", found="one of them twice")
        for attribute in node.attributes:
            _check_value(attribute)
            _check_body(node, attribute)
    for function in subject.model.functions:
        for attribute in function.defaults:
            _check_value(attribute)


def _check_value(attribute: Attribute) -> None:
    field = _FIELDS.get(attribute.type)
    # A scalar of the value 0, and a list without entries, may be absent from the file. A reference has no value.
    if field is None:
        raise RefusedModelError(ATTRIBUTES, attribute.where, expected="a type of ONNX's", found=str(attribute.type))
    if attribute.reference and attribute.filled:
        raise RefusedModelError(ATTRIBUTES, attribute.where, expected="a value or a reference", found="both")
    if not set(attribute.filled) <= {field}:
        found = " and ".join(attribute.filled)
        raise RefusedModelError(ATTRIBUTES, attribute.where, expected=f"a value in {field} alone", found=found)
    if not attribute.filled and not attribute.reference and field not in _LISTS | {"f", "i", "s"}:
        raise RefusedModelError(ATTRIBUTES, attribute.where, expected=f"a value in {field}", found="none")


def _check_body(node: Node, attribute: Attribute) -> None:
    if attribute.graphs and attribute.name not in _BODIES.get(node.operator, frozenset()):
        raise RefusedModelError(ATTRIBUTES, attribute.where, expected="no graph", found="one")
    if len(attribute.graphs) > 1:
        raise RefusedModelError(ATTRIBUTES, attribute.where, expected="one graph", found=str(len(attribute.graphs)))
