"""Whether two sides decide alike, and which of them lies nearer the truth."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from verify.report.document.codec import digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Decisions of a classifier on both sides.

    A flip is explained where the two classes are recorded no further apart than what the tolerance of the output's type allows
    the two of them together. ``flip_rate_upper`` is the upper end of the one-sided Clopper-Pearson interval at 95 %.
    ``top_k_set_agreement`` is the share of samples, 0 to 1, whose ``top_k`` greatest classes are the same set.
    """

    samples: int
    classes: int
    argmax_flips: int
    explained_flips: int
    unexplained_flips: int
    flip_rate_upper: float = digits(9)
    top_k: int = 1
    top_k_set_agreement: float = digits(9, default=1.0)


class Nearer(enum.StrEnum):
    """The side that lies nearer the result in double precision."""

    OURS = "ours"
    REFERENCE = "reference"
    EQUAL = "equal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Referee:
    """Both sides beside the same graph in float64: greatest absolute errors."""

    nearer: Nearer
    our_error: float = digits(9)
    reference_error: float = digits(9)
