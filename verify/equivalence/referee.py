"""Which of two answers lies nearer the truth, where the truth is the same graph in double precision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from verify.equivalence.alignment import Aligned, align
from verify.equivalence.backends import Array
from verify.equivalence.cases import Batch
from verify.equivalence.comparison import allowed_error
from verify.equivalence.tolerances import Tolerance
from verify.report.document import Nearer, Referee


def ruling(got: Array, recorded: Batch, truth: Array, tolerance: Tolerance) -> Referee | None:
    """The greatest absolute errors of both, over the elements that are finite in all three.

    ``None`` for integers, where the three cannot be laid side by side, and where the graph in double precision is itself further
    from what was recorded than the tolerance allows: it then computes something else, and is no measure of rounding.
    """
    ours, exact = align(got, recorded), align(truth, recorded)
    if isinstance(ours, str) or isinstance(exact, str) or ours.got.dtype.kind != "f":
        return None
    if not _within(exact, tolerance):
        return None
    answer, reference, value = ours.got, ours.want, exact.got
    if not answer.shape == reference.shape == value.shape:
        return None
    our_error, reference_error = _greatest_error(answer, value, reference), _greatest_error(reference, value, answer)
    sides = {True: Nearer.OURS, False: Nearer.REFERENCE}
    nearer = Nearer.EQUAL if our_error == reference_error else sides[our_error < reference_error]
    return Referee(nearer=nearer, our_error=our_error, reference_error=reference_error)


def _within(pair: Aligned, tolerance: Tolerance) -> bool:
    """Whether two values agree wherever both are finite."""
    if pair.got.shape != pair.want.shape or not pair.want.size:
        return pair.got.shape == pair.want.shape
    got, want = pair.got.astype(np.float64), pair.want.astype(np.float64)
    finite = np.isfinite(got) & np.isfinite(want)
    allowed = np.broadcast_to(allowed_error(want, tolerance, pair.lengths), want.shape)
    return bool((np.abs(got[finite] - want[finite]) <= allowed[finite]).all())


def _greatest_error(answer: Array, truth: Array, other: Array) -> float:
    values: list[npt.NDArray[np.float64]] = [item.astype(np.float64) for item in (answer, truth, other)]
    finite = np.isfinite(values[0]) & np.isfinite(values[1]) & np.isfinite(values[2])
    return float(np.abs(values[0][finite] - values[1][finite]).max(initial=0.0))
