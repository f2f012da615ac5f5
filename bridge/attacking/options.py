"""What an attack is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.trust.policy.model import Policy


def _silent(done: int, total: int, what: str) -> None:
    """No progress shown."""
    del done, total, what


@dataclass(frozen=True, slots=True)
class AttackOptions:
    """``twin`` is the folder of the PyTorch module with the gradients, ``source`` the CNTK model that it is converted from.

    ``norm`` is "linf", "l2" or "tokens", empty for what suits the data; ``epsilon`` is in the model's own units, as ``low`` and
    ``high``, which the package's ``interface.json`` gives where they are left out. ``tier`` is "smoke", "standard" or "gold".
    ``input`` and ``output`` name what is perturbed and what holds the scores, where there are several. ``floor`` is the share of
    samples that has to withstand everything, ``ceiling`` the share that may; ``limit`` bounds the number of samples. ``policy``
    and ``allow_unsigned`` are those of ``bridge.load``, and the latter runs the code of a twin that no signature covers.
    ``progress`` is told of passes done, of passes in all, and of what comes next.
    """

    twin: Path | None = None
    source: Path | None = None
    norm: str = ""
    epsilon: float | None = None
    low: float | None = None
    high: float | None = None
    tier: str = "smoke"
    input: str = ""
    output: str = ""
    floor: float | None = None
    ceiling: float | None = None
    limit: int | None = None
    seed: int = 0
    policy: Policy | None = None
    allow_unsigned: bool = False
    progress: Callable[[int, int, str], None] = _silent
    command: str = ""


SMOKE_TEST = AttackOptions()
"""The smoke tier with everything taken from the package."""
