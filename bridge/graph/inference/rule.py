"""The registry of type rules: one function per operator, registered by CNTK's operator name.

A rule gets the node and the types of its operands, of which some may be unknown (``None``) while a recurrence is being worked
out, and returns the types of the node's outputs, or ``None`` where it cannot say yet. A rule may be optimistic about unknown
operands: the engine repeats it until nothing changes, and the last round has no unknowns left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.errors import InvalidGraphError
from bridge.graph.network import Node
from bridge.graph.types import TensorType

Operands = Sequence[TensorType | None]
Result = TensorType | tuple[TensorType, ...] | None
Rule = Callable[[Node, Operands], Result]

RULES: dict[str, Rule] = {}


def rule(*operators: str) -> Callable[[Rule], Rule]:
    """Register a type rule for CNTK operators. A second rule for an operator is a programming error."""

    def register(function: Rule) -> Rule:
        for operator in operators:
            assert operator not in RULES, f"two type rules for {operator}"
            RULES[operator] = function
        return function

    return register


def expect_operands(node: Node, least: int, most: int | None = None) -> None:
    """Raise unless the node has a legal number of operands."""
    most = least if most is None else most
    if not least <= len(node.inputs) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise InvalidGraphError(f"{node.op} takes {wanted} operands, found {len(node.inputs)}", node=node.uid)


def first_known(operands: Operands) -> TensorType | None:
    """The first operand whose type is known."""
    return next((operand for operand in operands if operand is not None), None)
