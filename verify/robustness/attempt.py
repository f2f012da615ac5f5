"""One attack as the session runs it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.version import __version__
from verify.robustness.attacks.scores import Array
from verify.robustness.document import Kind

OWN = f"cntk-bridge {__version__}"


@dataclass(frozen=True, slots=True)
class Made:
    """``adversarial`` are the examples, like the input; ``queries`` those that each took, where they were counted."""

    adversarial: Array
    queries: Array | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attack that is ready to run. ``passes`` is about how often all samples go through the model, for showing progress."""

    name: str
    kind: Kind
    passes: int
    make: Callable[[], Made]
    settings: Mapping[str, str] = field(default_factory=dict)
    library: str = OWN


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt left: which samples each side still classifies rightly, ``(N,)``, and what both said of the examples.

    Outputs are ``(N, [T,] C)``; ``twin_decisive`` is the row of the twin's, ``(N, C)``, that decides each sample.
    """

    attempt: Attempt
    adversarial: Array
    queries: Array | None
    served_right: Array
    twin_right: Array
    served_outputs: Array
    twin_outputs: Array
    twin_decisive: Array
    seconds: float
