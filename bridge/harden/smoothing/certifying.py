"""Certificates for labelled samples, computed on the model as it is served."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count

import numpy as np

from bridge.harden.samples import Array, Samples
from bridge.harden.smoothing.certificate import Certificate, Predict, Smoothing, certify
from bridge.harden.smoothing.summary import Certification

Run = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""A session: all outputs by name for all inputs by name."""

Progress = Callable[[int, int, str], None]
"""Told of samples done, of samples in all, and of what goes on."""


def certify_samples(
    run: Run,
    samples: Samples,
    names: tuple[str, str],
    smoothings: Sequence[Smoothing],
    *,
    seed: int,
    progress: Progress,
) -> tuple[Certification, ...]:
    """A certification for each of ``smoothings``, which all look at the same ``samples``, each sample with noise of its own.

    ``names`` are the input that is perturbed and the output with the scores. Where a mask says what may be moved, noise is added
    there alone, and a certificate speaks of perturbations there.
    """
    labels = tuple(int(label) for label in samples.y)
    done, total = count(1), len(samples) * len(smoothings)
    found = []
    for smoothing in smoothings:
        started = time.perf_counter()
        certificates: list[Certificate] = []
        for row in range(len(samples)):
            one = samples.at(np.asarray([row]))
            mask = None if one.mask is None else one.mask[0]
            predict = _asking(run, one, names)
            certificates.append(certify(predict, one.x[0], smoothing, np.random.default_rng([seed, row]), mask))
            progress(next(done), total, f"certifying at sigma {smoothing.sigma:g}")
        found.append(Certification(smoothing, labels, tuple(certificates), time.perf_counter() - started))
    return tuple(found)


def _asking(run: Run, one: Samples, names: tuple[str, str]) -> Predict:
    """The model asked about copies of ``one`` sample, whose further inputs stay what they are."""
    input_name, output_name = names

    def predict(batch: Array) -> Array:
        others = {name: np.repeat(value, len(batch), axis=0) for name, value in one.others.items()}
        scores: Array = run({input_name: batch, **others})[output_name].reshape(len(batch), -1)
        return scores

    return predict
