"""Leaves out masks behind which another mask stands anyway.

A recurrent layer that runs forward computes its real steps from real steps alone, and so does a layer that treats each step by
itself. What stands on padding in between is nobody's concern where the end of the chain is masked.
"""

from __future__ import annotations

from typing import Final

from bridge.targets.pytorch.expression import Expr, Ref, leaves
from bridge.targets.pytorch.members import Member
from bridge.targets.pytorch.program import Region, Statement

_FORWARD: Final = "run_layer({0}, {1}, {2})"
_FORWARD_FROM: Final = "run_layer({0}, {1}, {2}, state={3})"
_MASKED: Final = "masked({0}, {1})"
_STEPWISE: Final = frozenset({"nn.Linear", "nn.Dropout", "nn.Embedding"})


def drop_inner_masks(region: Region) -> None:
    """Rewrite ``run_layer`` as a plain call of the layer wherever all that reads it masks the same steps."""
    readers: dict[Ref, list[Statement]] = {}
    for statement in region.statements:
        for leaf in leaves(statement.expr):
            if isinstance(leaf, Ref):
                readers.setdefault(leaf, []).append(statement)
    results = set(region.results)
    for statement in region.statements:
        found = statement.expr
        if not isinstance(found, Expr) or found.template not in {_FORWARD, _FORWARD_FROM}:
            continue
        layer, source, mask, *state = found.args
        if all(target not in results and _ends_masked(target, mask, readers, results) for target in statement.targets):
            plain = "{0}({1}, {2})[0]" if state else "{0}({1})[0]"
            statement.expr = Expr(plain, (layer, source, *state))


def _ends_masked(value: Ref, mask: object, readers: dict[Ref, list[Statement]], results: set[Ref]) -> bool:
    """Whether every way from ``value`` to a result passes step by step, and through ``mask``."""
    pending, seen = [value], {value}
    while pending:
        for statement in readers.get(pending.pop(), ()):
            found = statement.expr
            if not isinstance(found, Expr):
                return False
            if found.template == _MASKED and found.args[1] == mask and found.args[0] in seen:
                continue
            if not _passes(found, mask, seen) or not results.isdisjoint(statement.targets):
                return False
            pending += [target for target in statement.targets if target not in seen]
            seen.update(statement.targets)
    return True


def _passes(found: Expr, mask: object, seen: set[Ref]) -> bool:
    """Whether each step of the expression's value depends on no later step of the operand, which it reads nowhere else."""
    if found.template == _FORWARD:
        return found.args[1] in seen and found.args[2] == mask
    called = found.args[0] if found.args else None
    stepwise = isinstance(called, Member) and called.constructor in _STEPWISE
    return found.template == "{0}({1})" and stepwise and found.args[1] in seen
