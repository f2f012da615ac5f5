"""What is allowed of each output: the tolerance of its type, a narrower one by choice, and waivers that somebody answers for."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from bridge.errors import InvalidOptionError
from verify.equivalence.tolerances import Tolerance, tolerance_for
from verify.report.document import Waiver


@dataclass(frozen=True, slots=True)
class Rules:
    """``overrides`` are tolerances by pattern of output names, none wider than the type's own; the first that fits counts."""

    overrides: Mapping[str, Tolerance] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()

    def tolerance(self, output: str, dtype: str) -> Tolerance:
        """What an output may be off by. ``InvalidOptionError`` where an override is wider than the type's tolerance."""
        standard = tolerance_for(np.dtype(dtype))
        for pattern, chosen in self.overrides.items():
            if fits(output, pattern):
                if not chosen.within(standard):
                    raise InvalidOptionError(
                        f"tolerance {pattern}: {chosen} is wider than {standard}, which {dtype} has; "
                        "a wider one takes a waiver, with a reason and a date"
                    )
                return Tolerance(chosen.rtol, chosen.atol, f"chosen for {pattern}, narrower than {standard} of {dtype}")
        return standard

    def refuse_unused(self, outputs: Collection[str]) -> None:
        """Raise ``InvalidOptionError`` for a tolerance of none of ``outputs``: a misspelt one would pass for a stricter check."""
        for pattern in self.overrides:
            if not any(fits(output, pattern) for output in outputs):
                raise InvalidOptionError(
                    f"tolerance {pattern}: no output has that name, only {', '.join(map(repr, sorted(outputs)))}"
                )

    def waivers_for(self, case: str, output: str) -> list[Waiver]:
        """The waivers that speak of an output, in the order of their file."""
        return [item for item in self.waivers if fits(case, item.case) and fits(output, item.output)]


STANDARD = Rules()
"""The table's tolerances alone."""


def fits(name: str, pattern: str) -> bool:
    """Whether ``pattern`` stands for ``name``. Its ``*`` stands for any characters; nothing else in it stands for anything.

    Names of BrainScript hold brackets, which a shell would take for a choice of characters.
    """
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


def parse_override(text: str) -> tuple[str, Tolerance]:
    """``OUTPUT=RTOL,ATOL`` as a pattern and its tolerance; ``InvalidOptionError`` for anything else."""
    pattern, _, numbers = text.rpartition("=")
    try:
        rtol, atol = (float(number) for number in numbers.split(","))
    except ValueError:
        rtol = atol = math.nan
    if not pattern or not (0 <= rtol < math.inf and 0 <= atol < math.inf):
        raise InvalidOptionError(f"tolerance {text!r}: expected OUTPUT=RTOL,ATOL, as in z=1e-5,1e-7")
    return pattern, Tolerance(rtol, atol)
