"""Many small steps must not achieve less than one."""

from __future__ import annotations

from typing import Final

from verify.robustness.attacks.scores import Array
from verify.robustness.document import Check, CheckStatus
from verify.robustness.statistics import at_least

NAME = "one step beats many"
_LEAST: Final = 0.02


def single_step(after_one: Array, after_many: Array) -> Check:
    """Raised where one step breaks samples that many do not; both are ``(N,)``: which samples stand."""
    alone = int((after_many & ~after_one).sum())
    told = f"{alone} of {len(after_one)} samples fall to FGSM and withstand every iterative attack"
    if at_least(alone, len(after_one)) > _LEAST:
        return Check(NAME, CheckStatus.RAISED, told)
    return Check(NAME, CheckStatus.NOTED if alone else CheckStatus.CLEAR, told)
