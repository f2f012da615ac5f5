"""An attacker who knows less must not achieve more."""

from __future__ import annotations

from typing import Final

from verify.robustness.attacks.scores import Array
from verify.robustness.document import Check, CheckStatus
from verify.robustness.statistics import at_least

NAME = "black box beats white box"
_LEAST: Final = 0.002
"""AutoAttack's own threshold: two tenths of a point of accuracy."""


def black_box(after_white: Array, after_all: Array) -> Check:
    """Raised where attacks without gradients, or noise, break samples that those with gradients did not.

    Both are ``(N,)``: which samples stand after the white box attacks alone, and after all. The lower bound of the share counts,
    and a single sample can be chance.
    """
    alone = int((after_white & ~after_all).sum())
    bound = at_least(alone, len(after_all))
    told = f"{alone} of {len(after_all)} samples withstand gradients and fall without them; the share is at least {bound:.3g}"
    if alone > 1 and bound > _LEAST:
        return Check(NAME, CheckStatus.RAISED, told)
    return Check(NAME, CheckStatus.NOTED if alone else CheckStatus.CLEAR, told)
