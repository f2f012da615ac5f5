"""The program that becomes ``model.py``: classes of modules, each a sequence of statements."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.targets.pytorch.expression import Expr, Ref, leaves
from bridge.targets.pytorch.members import Member


@dataclass(slots=True)
class Statement:
    """``targets = expr``. ``origin`` is the uid of the CNTK function that it belongs to, ``hint`` a name for the result."""

    targets: tuple[Ref, ...]
    expr: Expr | Ref | Member
    origin: str = ""
    hint: str = ""

    def reads(self) -> Iterator[Ref | Member]:
        """The values and members that it reads."""
        return leaves(self.expr)


@dataclass(slots=True)
class Loop:
    """The body of a region that runs once per step: see ``Region``.

    ``states`` are replaced by ``updates`` after each step. ``scanned`` are arguments, ``slices`` their steps.
    ``collected`` are kept of each step and stacked along ``stacked``; ``axis`` is the axis of ``scanned`` that runs. Of the
    states those numbered ``finals`` are results too.
    """

    states: tuple[Ref, ...]
    updates: tuple[Ref, ...]
    scanned: tuple[Ref, ...]
    slices: tuple[Ref, ...]
    collected: tuple[Ref, ...]
    reverse: bool
    axis: int
    stacked: int = 0
    finals: tuple[int, ...] = ()


@dataclass(eq=False, slots=True)
class Region:
    """A class of modules: arguments of ``forward``, statements, results.

    ``names`` are what arguments want to be called. With ``loop`` the statements are those of one step.
    """

    name: str
    arguments: list[Ref]
    statements: list[Statement] = field(default_factory=list)
    results: list[Ref] = field(default_factory=list)
    names: dict[Ref, str] = field(default_factory=dict)
    loop: Loop | None = None
    doc: str = ""
    outputs: list[str] = field(default_factory=list)  # names of results, where they go out as a dict
    optional: frozenset[Ref] = frozenset()  # arguments that may be left out
    others: dict[str, Ref] = field(default_factory=dict)  # arguments whose names Python cannot say
    parameters: list[str] = field(default_factory=list)  # of the constructor
    input_ranks: dict[str, int] = field(default_factory=dict)

    def optional_names(self) -> set[str]:
        """What the model calls the arguments that may be left out."""
        odd = {ref: name for name, ref in self.others.items()}
        return {odd.get(ref, self.names[ref]) for ref in self.optional}

    def members(self) -> list[Member]:
        """The members that its statements read, in order of first use."""
        found: dict[Member, None] = {}
        for statement in self.statements:
            found.update(dict.fromkeys(_in_order(statement.expr)))
        return list(found)


def _in_order(arg: Expr | Ref | Member) -> Iterator[Member]:
    """The members of an expression in the order in which they run: operands before what is applied to them."""
    if isinstance(arg, Member):
        yield arg
    elif isinstance(arg, Expr):
        called = arg.template.startswith("{0}(")
        for inner in (*arg.args[1:], arg.args[0]) if called and arg.args else arg.args:
            yield from _in_order(inner)


class Refs:
    """Hands out values."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def new(self) -> Ref:
        """One that no other statement makes."""
        return Ref(next(self._numbers))
