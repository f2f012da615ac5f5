"""What guards have to know of clean samples, learnt at a stated rate of false alarm."""

from __future__ import annotations

import numpy as np

from bridge.errors import InvalidOptionError
from bridge.runtime.guards.envelope import ChannelEnvelope, Doubles, channel_statistics
from bridge.runtime.guards.guard import Array
from bridge.runtime.guards.reference_bank import BANK_BYTES_AT_MOST, ReferenceBank, unit_rows

BANK_AT_MOST = 20_000


def fit_range(clean: Array, *, margin: float = 0.1) -> tuple[float, float]:
    """From the least to the greatest of ``clean``, and ``margin`` of what lies between more on either side."""
    _refuse_few(len(clean), 2)
    ((low, high),) = _bounds(clean.reshape(-1, 1).astype(np.float64), margin).tolist()
    return low, high


def fit_envelope(input_name: str, clean: Array, *, margin: float = 0.1) -> ChannelEnvelope:
    """The envelope of ``clean`` ``[N, C, ...]``: from the least to the greatest that any sample has, and ``margin`` of that more.

    No sample of ``clean`` is refused by it. How many others are has to be measured on samples of their own.
    """
    _refuse_few(len(clean), 2)
    means, deviations = channel_statistics(clean)
    return ChannelEnvelope(input_name, _bounds(means, margin), np.maximum(_bounds(deviations, margin), 0))


def fit_bank(
    features: Array, calibration: Array, *, false_alarm_rate: float = 0.01, neighbours: int = 5, seed: int = 0
) -> ReferenceBank:
    """A bank of ``features`` ``[B, ...]`` whose threshold refuses ``false_alarm_rate`` of those in ``calibration`` ``[M, ...]``.

    ``calibration`` has to come from other samples than the bank: those in it lie at distance 0 from themselves. The threshold is
    the distance that at most ``false_alarm_rate`` of them exceed, which takes at least ``1 / false_alarm_rate`` of them. A bank
    of more than 20,000 rows, or more bytes than a file of it may have, is thinned out at random, by ``seed``.
    """
    if not 0 < false_alarm_rate < 1:
        raise InvalidOptionError(f"a rate of false alarm of {false_alarm_rate}; expected one between 0 and 1")
    needed = int(np.ceil(1 / false_alarm_rate))
    if len(calibration) < needed:
        raise InvalidOptionError(
            f"{len(calibration)} samples for a rate of false alarm of {false_alarm_rate}; expected at least {needed}"
        )
    _refuse_few(len(features), neighbours)
    rows = unit_rows(features)
    most = min(BANK_AT_MOST, (BANK_BYTES_AT_MOST - (1 << 16)) // max(1, rows[:1].nbytes))
    _refuse_few(most, neighbours)
    if len(rows) > most:
        rows = rows[np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))]
    bank = ReferenceBank(rows, 2.0, neighbours, false_alarm_rate, len(calibration))
    distances = np.sort(bank.distances(calibration))
    allowed = int(np.floor(false_alarm_rate * len(distances)))
    return ReferenceBank(rows, float(distances[len(distances) - 1 - allowed]), neighbours, false_alarm_rate, len(calibration))


def _bounds(values: Doubles, margin: float) -> Doubles:
    """``[N, C]`` -> ``[C, 2]``."""
    low, high = values.min(axis=0), values.max(axis=0)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise InvalidOptionError("the clean samples hold values that are not finite")
    more = margin * (high - low)
    return np.stack([low - more, high + more], axis=1)


def _refuse_few(samples: int, needed: int) -> None:
    if samples < needed:
        raise InvalidOptionError(f"{samples} clean samples; expected at least {needed}")
