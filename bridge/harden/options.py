"""What a caller may choose about hardening."""

from __future__ import annotations

import enum
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bridge.errors import InvalidOptionError
from bridge.harden.smoothing.certificate import Smoothing
from bridge.trust.policy.document import default_policy
from bridge.trust.policy.model import Policy
from bridge.trust.signers import Signer
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
    """How one network is trained, and against whom.

    ``epsilon``, ``low`` and ``high`` are in the input's own units. ``steps`` and ``step`` (a share of epsilon) are those of the
    attack in training, ``reach`` how far that goes, in epsilons: a little further than what is to be withstood. ``beta`` weighs
    TRADES' second term; ``sigma`` is the noise of smoothing, ``temperature`` distillation's; ``members`` are an ensemble's.

    Training stops when the measure on the validation split did not rise for ``patience`` epochs, and the best epoch is what
    counts. ``fresh`` draws new weights instead of beginning with the model's own; ``dropout`` keeps dropout on, which costs
    robust accuracy.
    """

    epsilon: float
    low: float = 0.0
    high: float = 1.0
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
    dropout: bool = False
    reach: float = 1.0

    def __post_init__(self) -> None:
        counts = ("epochs", "patience", "batch", "steps")
        numbers = ("learning_rate", "step", "beta", "sigma", "temperature", "reach")
        wrong = [name for name in counts if getattr(self, name) < 1]
        wrong += [name for name in numbers if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0)]
        if wrong:
            told = ", ".join(f"{name.replace('_', ' ')} {getattr(self, name)}" for name in wrong)
            raise InvalidOptionError(f"training with {told}: expected finite numbers above 0")
        if not 2 <= self.members <= 32:
            raise InvalidOptionError(f"an ensemble of {self.members}: expected 2 to 32 members")
        _ = self.threat

    @property
    def threat(self) -> Threat:
        """What the attacker may do. Raises ``InvalidOptionError``."""
        return Threat(self.norm, self.epsilon, self.low, self.high)

    @property
    def lesson(self) -> Threat:
        """What training's own attack may do."""
        return self.threat.of_size(self.epsilon * self.reach)

    def to_json(self) -> dict[str, object]:
        """In JSON's types."""
        return {**asdict(self), "norm": self.norm.value}


@dataclass(frozen=True, slots=True)
class HardenOptions:
    """``signer`` signs the new package. ``source`` is the CNTK file that the parent was converted from, where it is at hand.

    ``policy`` says who may have signed the parent; ``allow_unsigned`` takes one without a signature. With ``find_range`` the
    input's range is what the interface states, or else that of the samples, whatever ``training`` says. ``smoke`` runs the smoke
    test on at most ``smoke_samples``; ``certified`` samples get certificates of ``votes`` each where the method is smoothing, for
    each of ``sigmas``, or for training's own.
    """

    signer: Signer
    method: Method
    training: Training
    source: Path | None = None
    policy: Policy = field(default_factory=default_policy)
    allow_unsigned: bool = False
    input_name: str | None = None
    output_name: str | None = None
    find_range: bool = False
    smoke: bool = True
    smoke_samples: int = 100
    certified: int = 50
    votes: int = 1000
    alpha: float = 0.001
    sigmas: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if min(self.certified, self.smoke_samples) < 1 or len(set(self.sigmas)) != len(self.sigmas):
            raise InvalidOptionError(
                f"{self.certified} samples certified at sigma {list(self.sigmas)}, {self.smoke_samples} in the smoke test: "
                "expected one or more, and every sigma once"
            )
        if self.training.norm is Norm.TOKENS and self.method in (Method.TRADES, Method.FAST, Method.SMOOTHING):
            raise InvalidOptionError(f"tokens are replaced, which {self.method.value} knows nothing of: take --method pgd-at")
        if self.method is Method.SMOOTHING:
            # What is wrong with them is told before hours of training, not afterwards.
            _ = self.smoothings
        elif self.sigmas:
            raise InvalidOptionError("certificates are for --method smoothing: leave out --certify-sigma")

    @property
    def smoothings(self) -> tuple[Smoothing, ...]:
        """The votes by which certificates are made. Raises ``InvalidOptionError``."""
        sigmas = self.sigmas or (self.training.sigma,)
        return tuple(Smoothing(sigma, estimation=self.votes, alpha=self.alpha) for sigma in sigmas)
