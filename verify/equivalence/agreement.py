"""Whether two classifiers decide alike: the greatest class, the greatest few, and which flips rounding explains."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from verify.equivalence.confidence import flip_rate_upper
from verify.report.document import Agreement

TOP_K = 5
"""How many classes are compared as a set; fewer where there are not more classes than that."""

_Array = npt.NDArray[np.generic]


def agreement(got: _Array, want: _Array, allowed: npt.NDArray[np.float64]) -> Agreement | None:
    """Decisions of ``[samples, classes]`` on both sides; ``None`` for anything else, or for fewer than two classes.

    ``allowed`` is the absolute error that each recorded element may have. A flip is explained where the two classes lie no
    further apart than their allowed errors together: then rounding may decide. Any other flip is a change of mind.
    """
    if got.shape != want.shape or want.ndim != 2 or want.shape[1] < 2 or want.shape[0] == 0:
        return None
    samples, classes = want.shape
    theirs, ours = want.argmax(axis=1), got.argmax(axis=1)
    flipped = np.flatnonzero(theirs != ours)
    explained = 0
    if flipped.size:
        first, second = theirs[flipped], ours[flipped]
        recorded = want.astype(np.float64)
        with np.errstate(invalid="ignore"):  # Infinity less infinity is no margin at all, and explains nothing.
            margin = recorded[flipped, first] - recorded[flipped, second]
        explained = int((margin <= allowed[flipped, first] + allowed[flipped, second]).sum())
    k = min(TOP_K, classes - 1)
    return Agreement(
        samples=samples,
        classes=classes,
        argmax_flips=int(flipped.size),
        explained_flips=explained,
        unexplained_flips=int(flipped.size) - explained,
        flip_rate_upper=flip_rate_upper(int(flipped.size), samples),
        top_k=k,
        top_k_set_agreement=float(_share_greatest(got, want, k).mean()),
    )


def _share_greatest(got: _Array, want: _Array, k: int) -> npt.NDArray[np.bool_]:
    """For each row, whether one set of ``k`` classes is the greatest on both sides.

    Where equal values stand at the edge of such a set, any of them may be in it: which one a sort happens to take says nothing.
    """
    (our_certain, our_possible), (their_certain, their_possible) = _greatest(got, k), _greatest(want, k)
    certain, possible = our_certain | their_certain, our_possible & their_possible
    agree: npt.NDArray[np.bool_] = ~(certain & ~possible).any(axis=1) & (certain.sum(axis=1) <= k) & (possible.sum(axis=1) >= k)
    return agree


def _greatest(values: _Array, k: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """What belongs to every set of each row's ``k`` greatest values, and what belongs to any. NaN counts as the greatest."""
    ranked = np.where(np.isnan(values), np.inf, values) if values.dtype.kind == "f" else values
    edge = np.partition(ranked, values.shape[1] - k, axis=1)[:, -k, None]
    return ranked > edge, ranked >= edge
