"""More room has to mean more success, and room for anything has to mean success with everything."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from verify.robustness.attacks.scores import Array
from verify.robustness.document import Check, CheckStatus
from verify.robustness.statistics import at_least

NAME = "success does not rise with epsilon"
_LEAST: Final = 0.05


def rising(sizes: Sequence[float], standing: Sequence[Array], labels: Array, *, unbounded: bool) -> Check:
    """Raised where samples that a smaller size broke withstand the next, or accuracy at the greatest stays above guessing.

    ``standing`` has one array ``(N,)`` for each of ``sizes``, which rise. With ``unbounded`` the greatest size allows every
    sample to become any other, so that no more than the most frequent label can be left, or the most frequent row of labels where
    ``labels`` are those of steps, ``(N, T)``.
    """
    for place, (before, after) in enumerate(pairwise(standing)):
        recovered = int((after & ~before).sum())
        if at_least(recovered, len(labels)) > _LEAST:
            told = f"{recovered} of {len(labels)} samples fall at {sizes[place]:.3g} and withstand {sizes[place + 1]:.3g}"
            return Check(NAME, CheckStatus.RAISED, told)
    if not unbounded:
        return Check(NAME, CheckStatus.CLEAR, f"from {sizes[0]:.3g} to {sizes[-1]:.3g} it never falls")
    left = int(standing[-1].sum())
    guessing = int(np.unique(labels, axis=0, return_counts=True)[1].max()) / len(labels)
    told = (
        f"at {sizes[-1]:.3g}, where a sample can become anything, {left} of {len(labels)} remain; guessing gives {guessing:.2g}"
    )
    raised = at_least(left, len(labels)) > guessing
    return Check(NAME, CheckStatus.RAISED if raised else CheckStatus.CLEAR, told)
