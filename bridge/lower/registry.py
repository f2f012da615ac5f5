"""The registry of lowerings: one function per CNTK operator, or one sentence on why there is none.

Every operator of ``bridge.graph.operators`` is in exactly one of the two tables; a test keeps it so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from bridge.graph.network import Node
    from bridge.lower.lowering import Lowering
    from bridge.lower.value import Lowered

    Result = ir.Value | Lowered | tuple[ir.Value | Lowered, ...]
    Rule = Callable[[Lowering, Node], Result]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one CNTK operator is lowered, with the words of the support table."""

    operator: str
    onnx: str
    exactness: str
    rule: Rule
    structural: bool  # moves values without computing: works in any element type


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an operator is not converted."""

    reason: str
    advice: str


LOWERINGS: dict[str, Entry] = {}
REFUSALS: dict[str, Refused] = {}


def lowers(*operators: str, onnx: str, exactness: str = "exact", structural: bool = False) -> Callable[[Rule], Rule]:
    """Register a lowering. ``onnx`` and ``exactness`` are the words of ``docs/operators.md``."""

    def register(function: Rule) -> Rule:
        for operator in operators:
            assert operator not in LOWERINGS, f"two lowerings for {operator}"
            assert operator not in REFUSALS, f"{operator} is both lowered and refused"
            LOWERINGS[operator] = Entry(operator, onnx, exactness, function, structural)
        return function

    return register


def refuses(refusals: Mapping[str, Refused]) -> None:
    """Register operators that are never converted."""
    for operator, refused in refusals.items():
        assert operator not in LOWERINGS, f"{operator} is both lowered and refused"
        assert operator not in REFUSALS, f"two refusals of {operator}"
        REFUSALS[operator] = refused


class Refuse(Exception):  # noqa: N818 - an instruction to the driver, which always catches it
    """Raised by a lowering that meets a form of its operator that cannot be expressed."""

    def __init__(self, reason: str, advice: str = "") -> None:
        self.reason = reason
        self.advice = advice
        super().__init__(reason)
