"""Python expressions as templates over values and members, with the precedence that parentheses need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bridge.targets.pytorch.members import Member

COMPARISON: Final = 1
BITWISE_OR: Final = 2
BITWISE_AND: Final = 3
SUM: Final = 4
PRODUCT: Final = 5
UNARY: Final = 6
ATOM: Final = 8

_SLOT = re.compile(r"\{(\d+)(?::(\d))?\}")


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor that a statement makes, or an argument of ``forward``."""

    number: int


@dataclass(frozen=True, slots=True)
class Expr:
    """``template`` with its slots filled: ``{0}`` takes any expression, ``{0:5}`` one that binds at least as a product does.

    ``level`` says how the whole binds. Two expressions of one template do the same to other operands.
    """

    template: str
    args: tuple[Ref | Expr | Member, ...] = ()
    level: int = ATOM


Naming = Callable[["Ref | Member"], "tuple[str, int]"]


def render(arg: Ref | Expr | Member, naming: Naming) -> tuple[str, int]:
    """The text of an expression and how it binds; ``naming`` does so for values and members."""
    if not isinstance(arg, Expr):
        return naming(arg)
    parts = [render(inner, naming) for inner in arg.args]

    def fill(match: re.Match[str]) -> str:
        text, level = parts[int(match.group(1))]
        return text if level >= int(match.group(2) or 0) else f"({text})"

    return _SLOT.sub(fill, arg.template), arg.level


def leaves(arg: Ref | Expr | Member) -> Iterator[Ref | Member]:
    """The values and members of an expression, in the order in which they stand there."""
    if isinstance(arg, Expr):
        for inner in arg.args:
            yield from leaves(inner)
    else:
        yield arg


def replaced(arg: Ref | Expr | Member, new: Callable[[Ref | Member], Ref | Expr | Member]) -> Ref | Expr | Member:
    """The expression with other values and members in it."""
    if isinstance(arg, Expr):
        return Expr(arg.template, tuple(replaced(inner, new) for inner in arg.args), arg.level)
    return new(arg)


def literal(number: float | bool) -> Expr:  # noqa: FBT001 - a constant may be of any type
    """A number as Python writes it."""
    if isinstance(number, bool):
        return Expr(str(number))
    if number != number:  # noqa: PLR0124 - NaN is what differs from itself
        return Expr("math.nan")
    if number in (float("inf"), float("-inf")):
        return Expr("math.inf") if number > 0 else Expr("-math.inf", (), UNARY)
    return Expr(repr(number).replace("e+", "e"), (), UNARY if str(number).startswith("-") else ATOM)
