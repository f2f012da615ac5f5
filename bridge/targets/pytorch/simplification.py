"""Makes a translated program readable without changing it.

What nobody reads is dropped, what is computed twice is computed once, and short results stand where they are used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from bridge.targets.pytorch.expression import Expr, Ref, leaves, render, replaced
from bridge.targets.pytorch.members import MODULE, Member
from bridge.targets.pytorch.program import Region, Statement

_MOST_PARTS: Final = 4
"""Calls and operators in one statement."""
_MOST_CHARACTERS: Final = 60


def regions_of(region: Region) -> Iterator[Region]:
    """The region, and those of the modules in it, innermost first."""
    for member in region.members():
        for part in (member, *member.parts):
            if part.region is not None:
                yield from regions_of(part.region)
    yield region


def tidy(region: Region) -> None:
    """Drop what nobody reads, and compute once what is the same."""
    _join_equal(region)
    _drop_unread(region)


def simplify(region: Region) -> None:
    """Rewrite the statements of one region."""
    rewritten(
        region,
        {s.targets[0]: s.expr for s in region.statements if isinstance(s.expr, Member) and s.targets[0] not in ends(region)},
    )
    tidy(region)
    _inline(region)


def ends(region: Region) -> list[Ref]:
    """What has to be computed: results, and in a loop what is kept of a step."""
    if region.loop is None:
        return list(region.results)
    return [*region.loop.updates, *region.loop.collected]


def rewritten(region: Region, new: dict[Ref, Ref | Expr | Member]) -> None:
    """Put other values in the place of some, everywhere in the region."""

    def of(leaf: Ref | Member) -> Ref | Expr | Member:
        return new.get(leaf, leaf) if isinstance(leaf, Ref) else leaf

    for statement in region.statements:
        statement.expr = replaced(statement.expr, of)


def _join_equal(region: Region) -> None:
    """One statement for all that compute the same; a module may do something new each time."""
    known: dict[object, Ref] = {}
    aliases: dict[Ref, Ref] = {}

    def of(leaf: Ref | Member) -> Ref | Expr | Member:
        return aliases.get(leaf, leaf) if isinstance(leaf, Ref) else leaf

    fixed = set(ends(region))
    kept = []
    for statement in region.statements:
        statement.expr = replaced(statement.expr, of)
        pure = not any(isinstance(leaf, Member) and leaf.kind == MODULE for leaf in statement.reads())
        if len(statement.targets) == 1 and pure and statement.targets[0] not in fixed:
            if statement.expr in known:
                aliases[statement.targets[0]] = known[statement.expr]
                continue
            known[statement.expr] = statement.targets[0]
        kept.append(statement)
    region.statements = kept


def _drop_unread(region: Region) -> None:
    read: set[Ref] = set(ends(region))
    kept = []
    for statement in reversed(region.statements):
        if read.isdisjoint(statement.targets):
            continue
        kept.append(statement)
        read.update(leaf for leaf in statement.reads() if isinstance(leaf, Ref))
    region.statements = kept[::-1]


def _inline(region: Region) -> None:
    """From the first statement on, so that chains grow from their beginnings."""
    uses: Counter[Ref] = Counter()
    for statement in region.statements:
        uses.update(_occurrences(statement.expr))
    fixed = set(ends(region))
    pending: dict[Ref, Statement] = {}
    kept: list[Statement] = []
    for statement in region.statements:
        _take_in(statement, pending)
        target = statement.targets[0]
        if len(statement.targets) == 1 and uses[target] == 1 and target not in fixed and _is_short(statement.expr):
            pending[target] = statement
        kept.append(statement)
    region.statements = [
        statement for statement in kept if not (len(statement.targets) == 1 and pending.get(statement.targets[0]) is _TAKEN)
    ]


_TAKEN: Final = Statement((), Expr(""))


def _take_in(statement: Statement, pending: dict[Ref, Statement]) -> None:
    """Write pending results into a statement as long as it stays short; the longest chains first come, first served."""
    for leaf in list(leaves(statement.expr)):
        if not isinstance(leaf, Ref) or pending.get(leaf, _TAKEN) is _TAKEN:
            continue
        source = pending[leaf]
        joined = replaced(statement.expr, lambda other, leaf=leaf, source=source: source.expr if other == leaf else other)  # type: ignore[misc]
        if _parts(joined) <= _MOST_PARTS and _length(joined) <= _MOST_CHARACTERS:
            statement.expr = joined
            pending[leaf] = _TAKEN


def _occurrences(arg: Ref | Expr | Member) -> Iterator[Ref]:
    """Values as often as the text names them."""
    if isinstance(arg, Ref):
        yield arg
    elif isinstance(arg, Expr):
        for position, inner in enumerate(arg.args):
            for _ in re.findall(rf"\{{{position}[:}}]", arg.template):
                yield from _occurrences(inner)


def _parts(arg: Ref | Expr | Member) -> int:
    if not isinstance(arg, Expr):
        return 0
    light = ".shape[" in arg.template or not arg.args or arg.template == "{0:8}.device"
    return (0 if light else 1) + sum(_parts(inner) for inner in arg.args)


def _is_short(expr: Ref | Expr | Member) -> bool:
    return _parts(expr) < _MOST_PARTS and _length(expr) <= _MOST_CHARACTERS


def _length(expr: Ref | Expr | Member) -> int:
    """Characters, with names of a usual length."""
    return len(render(expr, lambda leaf: ("self.linear1" if isinstance(leaf, Member) else "x", 8))[0])
