"""What an attack is to try: a threat for every norm that was asked for, in the units of the model's input."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.attacking.options import AttackOptions, Figure
from bridge.attacking.served import Place
from bridge.errors import InvalidOptionError
from verify.robustness.attacks.token_substitution import is_one_hot
from verify.robustness.gates import Gates
from verify.robustness.samples import Samples
from verify.robustness.testing import Trial
from verify.robustness.threat import Norm, Threat

_STANDARD_LINF = 8 / 255
"""The size that images are attacked with by custom, as a share of the range."""
_STANDARD_L2 = 0.5


def trials_of(samples: Samples, place: Place, options: AttackOptions) -> tuple[Trial, ...]:
    """A threat with its gates for each norm, with what the interface states and what is customary for the rest.

    Raises ``InvalidOptionError`` where the options do not suit the samples or each other.
    """
    one_hot = is_one_hot(samples.x, samples.mask)
    norms = _norms(options) or (Norm.TOKENS if one_hot else Norm.LINF,)
    for name, figure in (("eps", options.epsilon), ("floor", options.floor), ("ceiling", options.ceiling)):
        if isinstance(figure, Mapping) and (unknown := sorted(set(figure) - set(norms))):
            raise InvalidOptionError(f"--{name} for the norm {unknown[0]!r}, which is not tested; tested are {', '.join(norms)}")
    if len(norms) > 1 and isinstance(options.epsilon, int | float):
        told = " ".join(f"--eps {norm}=..." for norm in norms)
        raise InvalidOptionError(f"an epsilon of {options.epsilon:g} means something else in every norm: say {told}")
    found = []
    for norm in norms:
        if norm is Norm.TOKENS and not one_hot:
            raise InvalidOptionError(f"{samples.name}: not sequences of one-hot tokens, whose number --norm tokens bounds")
        threat = _tokens(options) if norm is Norm.TOKENS else _distance(norm, samples, place, options)
        found.append(Trial(threat, Gates(_of(options.floor, norm), _of(options.ceiling, norm))))
    return tuple(found)


def _norms(options: AttackOptions) -> tuple[Norm, ...]:
    for name in options.norms:
        if name not in set(Norm):
            raise InvalidOptionError(f"norm is {name!r}; expected {', '.join(Norm)}")
    if len(set(options.norms)) != len(options.norms):
        raise InvalidOptionError(f"a norm stands there twice: {', '.join(options.norms)}")
    return tuple(Norm(name) for name in options.norms)


def _of(figure: Figure, norm: Norm) -> float | None:
    return figure.get(norm.value) if isinstance(figure, Mapping) else figure


def _tokens(options: AttackOptions) -> Threat:
    epsilon = _of(options.epsilon, Norm.TOKENS)
    return Threat(Norm.TOKENS, 1.0 if epsilon is None else epsilon, 0.0, 1.0)


def _distance(norm: Norm, samples: Samples, place: Place, options: AttackOptions) -> Threat:
    low = place.low if options.low is None else options.low
    high = place.high if options.high is None else options.high
    if low is None or high is None:
        raise InvalidOptionError(
            f"the range of input {samples.name!r} is not stated in interface.json: give it with --range, as in --range 0 255"
        )
    _refuse_outside(samples, low, high)
    epsilon = _of(options.epsilon, norm)
    if epsilon is None:
        epsilon = (_STANDARD_LINF if norm is Norm.LINF else _STANDARD_L2) * (high - low)
    return Threat(norm, epsilon, low, high)


def _refuse_outside(samples: Samples, low: float, high: float) -> None:
    """Samples outside the stated range mean that one of them is in other units, and epsilon with it."""
    least, greatest = float(samples.x.min()), float(samples.x.max())
    slack = 1e-5 * (high - low)
    if least < low - slack or greatest > high + slack:
        raise InvalidOptionError(
            f"{samples.name}: x holds values from {least:.6g} to {greatest:.6g}; the range is {low:.6g} to {high:.6g}"
        )
