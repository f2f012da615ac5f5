"""How the parts of a file refer to each other: every name must mean exactly one thing."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.errors import InvalidModelError
from bridge.graph.model import Function, Variable, VariableKind


def resolve_names(functions: Mapping[str, Function], variables: Mapping[str, Variable]) -> dict[str, Variable]:
    """Check all references, and return the leaves without the *edge breakers*.

    An edge breaker is a placeholder whose uid is that of a function's output; CNTK writes one wherever it met a function again
    while it saved. The output is what is meant, so the placeholder is dropped: every uid of an input or block argument is then
    that of a leaf or of an output, never both. Cycles and unbound placeholders are left for ``bridge.graph`` to judge.
    """
    outputs = {output for function in functions.values() for output in function.outputs}
    leaves = {}
    for uid, variable in variables.items():
        if uid in outputs:
            if variable.kind is not VariableKind.PLACEHOLDER:
                raise _ambiguous(uid, variable.offset)
        else:
            leaves[uid] = variable
    for uid, function in functions.items():
        if uid in outputs or uid in variables:
            raise _ambiguous(uid, function.offset)
        for place in function.inputs:
            if place not in outputs and place not in leaves:
                raise _missing(function, "an input of a function does not exist", place)
        if function.block is not None:
            _check_arguments(function, function.block.arguments, leaves, outputs)
    return leaves


def unbound_placeholders(functions: Mapping[str, Function], leaves: Mapping[str, Variable]) -> list[Variable]:
    """Placeholders that no block binds: arguments of an unfinished model, legal to save but not to evaluate."""
    bound = {uid for function in functions.values() if function.block is not None for uid in function.block.arguments}
    return [leaf for uid, leaf in leaves.items() if leaf.kind is VariableKind.PLACEHOLDER and uid not in bound]


def _check_arguments(function: Function, arguments: Mapping[str, str], leaves: Mapping[str, Variable], outputs: set[str]) -> None:
    for inner, outer in arguments.items():
        leaf = leaves.get(inner)
        if leaf is None or leaf.kind is not VariableKind.PLACEHOLDER:
            raise _missing(function, "a block binds something that is not a placeholder", inner)
        if outer in function.outputs:
            raise _missing(function, "a block has its own output for an argument", outer)
        if outer not in outputs and outer not in leaves:
            raise _missing(function, "an argument of a block does not exist", outer)


def _missing(function: Function, message: str, uid: str) -> InvalidModelError:
    return InvalidModelError(message, offset=function.offset, field=function.uid[:80], found=repr(uid[:80]))


def _ambiguous(uid: str, offset: int) -> InvalidModelError:
    return InvalidModelError("a uid stands for two things", offset=offset, expected="distinct uids", found=repr(uid[:80]))
