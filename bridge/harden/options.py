"""What a caller may choose about hardening."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from bridge.errors import InvalidOptionError
from verify.robustness.threat import Norm, Threat


class Method(enum.StrEnum):
    """How a model is hardened; ``docs/hardening.md`` says what each is worth."""

    PGD_AT = "pgd-at"
    TRADES = "trades"
    FAST = "fast"
    ENSEMBLE = "ensemble"
    SMOOTHING = "smoothing"
    DISTILLATION = "distillation"

    @property
    def holds(self) -> bool:
        """Whether it stands up to an attacker who knows of it. Distillation does not."""
        return self is not Method.DISTILLATION


DISTILLATION_WARNING = (
    "defensive distillation does not hold: it hides the gradients by which simple attacks find their way, and an attack that "
    "divides the logits by the temperature, or does without gradients, succeeds as it did before (Carlini and Wagner 2016, 2017)"
)


@dataclass(frozen=True, slots=True)
class Training:
    """``epsilon`` is in the input's own units, ``steps`` and ``step`` (a share of epsilon) are the attack's in training.

    ``beta`` weighs TRADES' second term; ``sigma`` is the noise of smoothing; ``temperature`` is distillation's; ``members`` are
    an ensemble's. Training stops when robust accuracy on the validation split did not rise for ``patience`` epochs, and the best
    epoch is what counts. ``fresh`` draws new weights instead of beginning with the model's own.
    """

    epsilon: float
    low: float
    high: float
    norm: Norm = Norm.LINF
    epochs: int = 30
    patience: int = 8
    batch: int = 64
    learning_rate: float = 1e-3
    steps: int = 7
    step: float = 0.25
    beta: float = 6.0
    sigma: float = 0.25
    temperature: float = 20.0
    members: int = 3
    seed: int = 0
    fresh: bool = False

    def __post_init__(self) -> None:
        counts = (self.epochs, self.patience, self.batch, self.steps)
        numbers = (self.learning_rate, self.step, self.beta, self.sigma, self.temperature)
        if min(counts) < 1 or not all(math.isfinite(value) and value > 0 for value in numbers) or not 2 <= self.members <= 32:
            raise InvalidOptionError(
                f"training with {self.epochs} epochs, {self.batch} samples at once, {self.steps} steps, {self.members} members: "
                "expected positive numbers, and 2 to 32 members"
            )
        _ = self.threat

    @property
    def threat(self) -> Threat:
        """What the attacker may do. Raises ``InvalidOptionError``."""
        return Threat(self.norm, self.epsilon, self.low, self.high)
