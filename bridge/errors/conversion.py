"""The bytes are sound, and yet no network that can be converted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors.root import BridgeError


class InvalidGraphError(BridgeError):
    """The bytes are sound, but the network they describe is not one that CNTK could evaluate."""

    def __init__(self, message: str, *, node: str | None = None) -> None:
        self.message = message
        self.node = node
        super().__init__(f"node {node}: {message}" if node else message)


class RefusedError(BridgeError):
    """The model is sound, and yet it is not converted."""


_SHOWN_FUNCTIONS = 20
_SHOWN_OUTPUTS = 5


class UserCodeError(RefusedError):
    """User-defined functions are needed. They are code: named here, never imported or run.

    ``functions`` describe them. ``instead``: values that do not need them, by the names that ``outputs`` takes; ``None`` where
    the whole model is wanted.
    """

    def __init__(self, functions: Sequence[str], instead: Sequence[str] | None = None) -> None:
        self.functions = list(functions)
        self.instead = instead
        what = "the model holds" if instead is None else "the outputs need"
        if instead:
            way_out = "ask for an output that does not need them, such as " + ", ".join(map(repr, instead[:_SHOWN_OUTPUTS]))
        else:
            way_out = "save the part of it that does not need them"
        super().__init__(
            f"{what} {len(functions)} user-defined function(s), which are code and are never loaded: "
            + ", ".join(functions[:_SHOWN_FUNCTIONS])
            + f"; rebuild the model from CNTK's own operators, or {way_out}"
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one node cannot be converted, and the way out."""

    node: str
    operator: str
    reason: str
    advice: str = ""

    def __str__(self) -> str:
        tail = f" ({self.advice})" if self.advice else ""
        return f"{self.operator} {self.node}: {self.reason}{tail}"


class UnsupportedOperatorsError(RefusedError):
    """Everything in the model that cannot be expressed, at once."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = refusals
        kinds = Counter(refusal.operator for refusal in refusals)
        summary = ", ".join(f"{name} x{count}" for name, count in sorted(kinds.items()))
        lines = "\n".join(f"  {refusal}" for refusal in refusals[:50])
        more = f"\n  and {len(refusals) - 50} more" if len(refusals) > 50 else ""
        super().__init__(f"{len(refusals)} node(s) cannot be converted ({summary}):\n{lines}{more}")
