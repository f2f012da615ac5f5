"""What a rule of the translation is: how many inputs an operator takes, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.source.v1.mapping.builder import Translation

Mapper = Callable[[Translation], None]
"""Adds to the model what one node becomes."""

ANY = 1 << 30
"""No upper bound on the number of inputs but that of ``bridge.limits``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How nodes of one operator are translated, and how many inputs they must have."""

    least: int
    most: int
    mapper: Mapper


def rule(inputs: int | tuple[int, int], mapper: Mapper) -> Rule:
    """A rule for an operator of so many inputs, or from so many to so many."""
    least, most = inputs if isinstance(inputs, tuple) else (inputs, inputs)
    return Rule(least, most, mapper)


def same(op: str, inputs: int | tuple[int, int], order: tuple[int, ...] | None = None) -> Rule:
    """A rule for an operator of CNTK 2 without attributes; ``order`` gives its inputs as positions among v1's."""

    def mapper(at: Translation) -> None:
        wanted = range(len(at.inputs)) if order is None else order[: len(at.inputs)]
        at.finish(op, tuple(at.inputs[position] for position in wanted))

    return rule(inputs, mapper)


def unsupported(op: str | None = None) -> Rule:
    """A rule for an operator that cannot be expressed: kept by name, so that whoever needs its value hears of it."""
    return rule((0, ANY), lambda at: at.refuse(op))
