"""The bytes are sound, and yet no network that can be converted."""

from __future__ import annotations

from collections import Counter
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


class UserCodeError(RefusedError):
    """The model holds user-defined functions. They are code: named here, never imported or run."""

    def __init__(self, functions: list[str]) -> None:
        self.functions = functions
        super().__init__(
            f"the model holds {len(functions)} user-defined function(s), which are code and are never loaded: "
            + ", ".join(functions[:20])
            + "; rebuild the model from CNTK's own operators, or save the part of it that does not need them"
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
