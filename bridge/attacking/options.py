"""What an attack is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.trust.policy.model import Policy


Figure = float | Mapping[str, float] | None
"""A number for all norms, or one for each by name."""


def _silent(done: int, total: int, what: str) -> None:
    """No progress shown."""
    del done, total, what


@dataclass(frozen=True, slots=True)
class AttackOptions:
    """``twin`` is the folder of the PyTorch module with the gradients, ``source`` the CNTK model that it is converted from.

    ``norms`` are "linf", "l2" and "tokens", each tested by itself; none for what suits the data. ``epsilon`` is in the model's
    own units, as ``low`` and ``high``, which the package's ``interface.json`` gives where they are left out; with several norms
    it goes by their names. ``tier`` is "smoke", "standard" or "gold". ``input`` and ``output`` name what is perturbed and what
    holds the scores, where there are several, ``labels`` the field of labels in a text file. ``floor`` is the share of samples
    that has to withstand everything, ``ceiling`` the share that may, for all norms or by name; ``limit`` bounds the number of
    samples. ``policy`` and ``allow_unsigned`` are those of ``bridge.load``; a PyTorch folder, whose code is run, is held to them
    as well. ``progress`` is told of passes done, of passes in all, and of what comes next.
    """

    twin: Path | None = None
    source: Path | None = None
    norms: tuple[str, ...] = ()
    epsilon: Figure = None
    low: float | None = None
    high: float | None = None
    tier: str = "smoke"
    input: str = ""
    output: str = ""
    labels: str = ""
    floor: Figure = None
    ceiling: Figure = None
    limit: int | None = None
    seed: int = 0
    policy: Policy | None = None
    allow_unsigned: bool = False
    progress: Callable[[int, int, str], None] = _silent
    command: str = ""


SMOKE_TEST = AttackOptions()
"""The smoke tier with everything taken from the package."""
