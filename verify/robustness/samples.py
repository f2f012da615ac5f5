"""The samples that are attacked: one input of the model that is perturbed, the others that go with it, and the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bridge.errors import InvalidOptionError
from verify.robustness.attacks.scores import Array
from verify.robustness.steps import UNCOUNTED, weakest_row

_LABELS = {1: "one whole number for each sample", 2: "one for each step of each sequence"}


@dataclass(frozen=True, slots=True)
class Samples:
    """``x`` of shape ``(N, ...)`` in the input's own type is what is perturbed; ``labels`` are ``(N,)`` in int64.

    Labels of every step of sequences are ``(N, T)``, -1 where a step does not count. ``others`` are further inputs, each with one
    entry for a sample, such as the ``lengths`` of padded sequences. ``mask``, which broadcasts against ``x``, is 0 where nothing
    may be moved: beyond the end of a sequence. With ``tokens`` an attack replaces tokens of ``x``, ``(N, T, V)``: a step whose
    own token was replaced may well have another label now, and does not count. Raises ``InvalidOptionError`` where the parts do
    not fit together.
    """

    name: str
    x: Array
    labels: Array
    others: Mapping[str, Array] = field(default_factory=dict)
    mask: Array | None = None
    tokens: bool = False

    def __post_init__(self) -> None:
        if not len(self.x):
            raise InvalidOptionError("there is no sample to attack")
        for name, value in (("labels", self.labels), *self.others.items()):
            if len(value) != len(self.x):
                raise InvalidOptionError(f"{name}: {len(value)} entries for {len(self.x)} samples")
        if self.labels.ndim not in _LABELS or self.labels.dtype.kind not in "iu":
            expected = ", or ".join(_LABELS.values())
            raise InvalidOptionError(f"labels of shape {self.labels.shape} and type {self.labels.dtype}; expected {expected}")
        if self.per_step and not (self.labels != UNCOUNTED).any(axis=1).all():
            raise InvalidOptionError("labels: a sequence of which no step has a label")
        if self.x.dtype.kind == "f" and not np.isfinite(self.x).all():
            raise InvalidOptionError(f"{self.name}: values that are not finite")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def per_step(self) -> bool:
        """Whether every step of a sequence has a label of its own."""
        return self.labels.ndim == 2

    @property
    def aims(self) -> Array:
        """The class that each decisive row has to have, ``(N,)`` in int64."""
        found: Array = np.zeros(len(self), np.int64) if self.per_step else self.labels.astype(np.int64)
        return found

    def counted(self, x: Array, rows: Array) -> Array:
        """Which steps count, ``(len(x), T)``, when ``x[i]`` stands in the place of sample ``rows[i]``."""
        labelled: Array = self.labels[rows] != UNCOUNTED
        if not self.tokens or x.shape[:2] != labelled.shape:
            return labelled
        return labelled & ~(x != self.x[rows]).any(axis=2)

    def decisive(self, outputs: Array, x: Array, rows: Array) -> Array:
        """The row of scores ``(len(x), C)`` that decides each sample, of a model's ``outputs`` ``(len(x), [T,] C)``."""
        if not self.per_step:
            return outputs
        return weakest_row(outputs, self.labels[rows], self.counted(x, rows))

    def steps_right(self, outputs: Array) -> int:
        """How many labelled steps ``outputs`` ``(N, T, C)`` get right; 0 where samples are labelled as a whole."""
        return int((outputs.argmax(axis=2) == self.labels).sum()) if self.per_step else 0

    def feeds(self, x: Array, rows: Array) -> dict[str, Array]:
        """What a model is fed when ``x[i]`` stands in the place of sample ``rows[i]``; whole numbers are rounded to."""
        own = self.x.dtype
        moved = np.rint(x).astype(own) if own.kind in "iu" else x.astype(own)
        return {self.name: moved, **{name: value[rows] for name, value in self.others.items()}}

    def first(self, count: int) -> Samples:
        """The first ``count`` of them, or all."""
        return self.at(np.arange(min(count, len(self))))

    def at(self, rows: Array) -> Samples:
        """Those of ``rows``, in that order."""
        mask = None if self.mask is None else np.broadcast_to(self.mask, self.x.shape)[rows]
        others = {name: value[rows] for name, value in self.others.items()}
        return replace(self, x=self.x[rows], labels=self.labels[rows], others=others, mask=mask)


def mask_of_lengths(lengths: Array, shape: tuple[int, ...]) -> Array:
    """1 for the steps of each sequence and 0 behind its end: shape ``(N, T, 1, ...)`` in float32."""
    steps = np.arange(shape[1])[None, :] < np.asarray(lengths).reshape(-1, 1)
    return steps.astype(np.float32).reshape(*steps.shape, *[1] * (len(shape) - 2))
