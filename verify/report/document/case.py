"""One set of inputs, on one backend, beside one reference."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from verify.report.document.codec import digits
from verify.report.document.output import Output


class CaseVerdict(enum.StrEnum):
    """How a case, or the whole report, ended."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``seconds`` is the time that the backend took; ``error`` is set when the case came to nothing before a comparison.

    ``note`` is what else there is to say of a case that holds, such as a refusal that was expected.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("verdict",)

    case: str
    backend: str
    reference: str
    seconds: float = digits(6, default=0.0)
    error: str = ""
    note: str = ""
    outputs: tuple[Output, ...] = ()

    @property
    def verdict(self) -> CaseVerdict:
        """An error where there is one; otherwise every output has to hold."""
        if self.error:
            return CaseVerdict.ERROR
        return CaseVerdict.EQUIVALENT if all(output.holds for output in self.outputs) else CaseVerdict.DIFFERENT

    @property
    def holds(self) -> bool:
        """Whether the case is equivalent."""
        return self.verdict is CaseVerdict.EQUIVALENT
