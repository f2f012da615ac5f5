"""How operators are called: inputs and outputs in their number, attributes that exist, values that mean something."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from bridge.errors import RefusedModelError
from bridge.runtime.admission.calls_table import CALLS, Call, Values
from bridge.runtime.admission.model import Attribute, Node
from bridge.runtime.admission.subject import Subject

CALLS_CHECK: Final = "calls"

_INTEGER: Final = 2
_TEXT: Final = 3
_INTEGERS: Final = 7
_EQUATION: Final = re.compile(r"[A-Za-z]{0,32}(,[A-Za-z]{0,32})*->[A-Za-z]{0,32}")


def check_calls(subject: Subject) -> None:
    """Operators are called as the converter calls them: no input missing, attributes it writes, values in their range."""
    functions = {function.key for function in subject.model.functions}
    for node in subject.model.nodes():
        call = CALLS.get(node.operator)
        if call is not None and (node.domain, node.operator, node.overload) not in functions:
            _check_inputs(node, call)
            _check_outputs(node, call)
            for attribute in node.attributes:
                _check_attribute(node, attribute, call)


def _check_inputs(node: Node, call: Call) -> None:
    if not call.needed <= len(node.inputs) <= call.most:
        _refuse(node, f"{call.needed} to {call.most} inputs", str(len(node.inputs)))
    needed = node.inputs if call.any_number else node.inputs[: call.needed]
    if "" in needed:
        _refuse(node, "inputs that are there", f"none at place {needed.index('')}")


def _check_outputs(node: Node, call: Call) -> None:
    made = [name for name in node.outputs if name]
    if not made or len(node.outputs) > call.outputs:
        _refuse(node, f"1 to {call.outputs} outputs", f"{len(made)} of {len(node.outputs)} with a name")


def _check_attribute(node: Node, attribute: Attribute, call: Call) -> None:
    values = call.attributes.get(attribute.name)
    if values is None:
        _refuse(node, f"attributes among {', '.join(sorted(call.attributes)) or 'none'}", repr(attribute.name[:100]))
    # Within a function the value would come from whoever calls it, and be seen by nobody.
    if attribute.type != values.type or attribute.reference:
        found = "a reference" if attribute.reference else f"one of type {attribute.type}"
        _refuse(node, f"a value of type {values.type} in {attribute.name}", found)
    wild = next((number for number in _integers(attribute) if not values.least <= number <= values.greatest), None)
    if wild is not None:
        _refuse(node, f"{attribute.name} from {values.least} to {values.greatest}", str(wild))
    if values.type == _TEXT:
        _check_text(node, attribute, values)


def _integers(attribute: Attribute) -> tuple[int, ...]:
    return attribute.integers if attribute.type == _INTEGERS else (attribute.integer,) if attribute.type == _INTEGER else ()


def _check_text(node: Node, attribute: Attribute, values: Values) -> None:
    text = attribute.octets.decode("utf-8", "replace")
    if values.words and text not in values.words:
        _refuse(node, f"{attribute.name} among {', '.join(sorted(values.words))}", ascii(text[:100]))
    if not values.words and not (_EQUATION.fullmatch(text) and text.count(",") + 1 == len(node.inputs)):
        _refuse(node, "an equation with letters for every operand, as in ab,bc->ac", ascii(text[:100]))


def _refuse(node: Node, expected: str, found: str) -> NoReturn:
    raise RefusedModelError(CALLS_CHECK, node.where, expected=expected, found=found)
