"""Clean samples and a package to a file of guards with its bank, and how often those refuse samples that they have not seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from bridge.errors import GuardRefusedError, InvalidInputsError
from bridge.package.interface import Interface
from bridge.runtime.features import last_layer_input
from bridge.runtime.guards.configuration import DISTRIBUTION, GuardConfiguration, envelope_section
from bridge.runtime.guards.distribution import Features
from bridge.runtime.guards.fitting import fit_bank, fit_envelope, fit_range
from bridge.runtime.guards.guard import Array, Call
from bridge.runtime.guards.reference_bank import ReferenceBank
from bridge.runtime.guards.samples import CleanSamples, read_clean
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS
from bridge.runtime.loading import load_in_process
from bridge.runtime.opening import model_digest, open_package
from bridge.trust.policy.model import Policy
from bridge.trust.small_files import StrPath
from verify.equivalence.confidence import flip_rate_upper

if TYPE_CHECKING:
    from bridge.runtime.in_process import InProcessModel
    from bridge.runtime.isolation.model import IsolatedModel

BANK: Final = "bank.npz"
KINDS: Final = ("range", "envelope", DISTRIBUTION)
"""What is fitted, in the order in which requests meet it: the cheapest first."""

_AT_ONCE: Final = 64
_FEWEST: Final = 8

Progress = Callable[[int, int], None]
"""Samples done, of all."""


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How guards are fitted. ``input`` may be empty where the model has one; ``low`` and ``high`` state the range.

    ``false_alarm_rate`` is the share of clean samples that the distribution guard's threshold is set to refuse.
    """

    policy: Policy
    allow_unsigned: bool = False
    isolation: Literal["none", "process"] = "none"
    input: str = ""
    kinds: Sequence[str] = KINDS
    false_alarm_rate: float = 0.01
    low: float | None = None
    high: float | None = None
    seed: int = 0
    progress: Progress = lambda _done, _total: None


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """``refused`` of ``asked`` clean samples; ``upper`` bounds the rate with 95 % confidence (Clopper-Pearson)."""

    guard: str
    refused: int
    asked: int
    upper: float


@dataclass(frozen=True, slots=True)
class FittedGuards:
    """``entries`` for a file of guards, its bank, and what they refuse of samples that nothing was fitted on.

    The last of ``false_alarms`` is that of all of them together. ``fitted`` and ``calibrated`` are numbers of samples.
    """

    entries: tuple[Mapping[str, Any], ...]
    bank: bytes | None
    false_alarms: tuple[FalseAlarms, ...]
    fitted: int
    calibrated: int
    data_sha256: str


@dataclass(frozen=True, slots=True)
class _Parts:
    """Samples to know, to set the threshold on, and to measure with."""

    known: CleanSamples
    calibration: CleanSamples
    held_out: CleanSamples


def fit_guards(package: StrPath, data: Path, options: FitOptions) -> FittedGuards:
    """Guards for the model of ``package``, learnt from the clean samples in ``data``.

    Half of the samples, drawn by the seed, are what the guards know; a quarter sets the threshold of the distribution guard; what
    is left measures the rate of false alarm. Raises as ``bridge.load`` does, ``InvalidInputsError`` for samples that are too few
    or do not suit the model, and ``InvalidOptionError`` for a rate that they cannot support.
    """
    limits = DEFAULT_RUNTIME_LIMITS
    with open_package(package, options.policy, limits, allow_unsigned=options.allow_unsigned) as opened:
        interface, digest = opened.interface, model_digest(opened)
        parts = _split(read_clean(data, interface, options.input), options.seed)
        value = last_layer_input(opened.admitted.parsed.graph) if DISTRIBUTION in options.kinds else ""
        looking = GuardConfiguration(({"kind": DISTRIBUTION, "features": value},) if value else (), "")
        # The guards that the policy asks for are what is made here.
        opened.rules = replace(opened.rules, guards=None)
        model: InProcessModel | IsolatedModel
        if options.isolation == "process":
            from bridge.runtime.isolation.loading import load_isolated

            model = load_isolated(opened, limits, guards=looking)
        else:
            model = load_in_process(opened, limits, looking)
        try:
            return _fitted(parts, interface, _Seen(model), {"model": digest, "features": value}, options)
        finally:
            model.close()


class _Seen:
    """The features of a model."""

    def __init__(self, model: InProcessModel | IsolatedModel) -> None:
        self._model = model
        self._seconds = model.interface.limits.seconds
        symbols = model.interface.symbols
        first = [tensor.shape[0] for tensor in model.interface.inputs if tensor.shape]
        most = (extent if isinstance(extent, int) else symbols[extent].maximum for extent in first)
        self._at_once = min(_AT_ONCE, *most)

    def __call__(self, call: Call) -> Array:
        """Those of one request."""
        return self._model.features(call.inputs, timeout=self._seconds)

    def of(self, samples: CleanSamples, progress: Callable[[int], None]) -> Array:
        """Those of all samples, asked for by parts."""
        found: list[Array] = []
        for begin in range(0, len(samples), self._at_once):
            rows = np.arange(begin, min(begin + self._at_once, len(samples)))
            found.append(self(Call(samples.at(rows).inputs)))
            progress(begin + len(rows))
        return np.concatenate(found)


def _fitted(parts: _Parts, interface: Interface, seen: _Seen, about: Mapping[str, str], options: FitOptions) -> FittedGuards:
    entries: list[dict[str, Any]] = []
    banks: dict[str, ReferenceBank] = {}
    data: bytes | None = None
    known = parts.known
    if "range" in options.kinds:
        low, high = _range(parts, interface, options)
        entries.append({"kind": "range", "input": known.name, "minimum": low, "maximum": high})
    if "envelope" in options.kinds:
        entries.append(envelope_section(fit_envelope(known.name, np.concatenate([known.x, parts.calibration.x]))))
    if DISTRIBUTION in options.kinds:
        bank = _bank(parts, seen, options)
        data = bank.to_bytes()
        banks[BANK] = bank
        entry = {"kind": DISTRIBUTION, "input": known.name, "bank": BANK, "sha256": hashlib.sha256(data).hexdigest()}
        entries.append({**entry, **about})
    alarms = _false_alarms(GuardConfiguration(tuple(entries), "", banks), interface, seen, parts.held_out)
    return FittedGuards(tuple(entries), data, alarms, len(known), len(parts.calibration), known.sha256)


def _split(samples: CleanSamples, seed: int) -> _Parts:
    if len(samples) < _FEWEST:
        raise InvalidInputsError(f"{len(samples)} clean samples; expected at least {_FEWEST}")
    order = np.random.default_rng(seed).permutation(len(samples))
    half, quarter = len(order) // 2, len(order) // 4
    known, calibration, held_out = np.split(order, [half, half + quarter])
    return _Parts(samples.at(known), samples.at(calibration), samples.at(held_out))


def _range(parts: _Parts, interface: Interface, options: FitOptions) -> tuple[float, float]:
    """What the caller states, else what the signed interface does, else a little more than the samples have."""
    tensor = next(tensor for tensor in interface.inputs if tensor.name == parts.known.name)
    low, high = fit_range(np.concatenate([parts.known.x, parts.calibration.x]))
    stated_low = options.low if options.low is not None else tensor.minimum
    stated_high = options.high if options.high is not None else tensor.maximum
    return low if stated_low is None else stated_low, high if stated_high is None else stated_high


def _bank(parts: _Parts, seen: _Seen, options: FitOptions) -> ReferenceBank:
    total = len(parts.known) + len(parts.calibration)
    features = seen.of(parts.known, lambda done: options.progress(done, total))
    calibration = seen.of(parts.calibration, lambda done: options.progress(len(parts.known) + done, total))
    return fit_bank(features, calibration, false_alarm_rate=options.false_alarm_rate, seed=options.seed)


def _false_alarms(
    configuration: GuardConfiguration, interface: Interface, features: Features, samples: CleanSamples
) -> tuple[FalseAlarms, ...]:
    """How often each guard refuses a sample by itself, and how often any of them does."""
    guards = configuration.pipeline(interface, features).guards
    refused = np.zeros((len(samples), len(guards)), bool)
    for row in range(len(samples)):
        request = samples.at(np.asarray([row])).inputs
        for column, guard in enumerate(guards):
            try:
                guard.apply(request[guard.input], Call(request))
            except GuardRefusedError:
                refused[row, column] = True
    counts = [*zip((guard.name for guard in guards), refused.sum(axis=0), strict=True), ("together", refused.any(axis=1).sum())]
    asked = len(samples)
    return tuple(FalseAlarms(name, int(count), asked, flip_rate_upper(int(count), asked)) for name, count in counts)
