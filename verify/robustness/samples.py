"""The samples that are attacked: one input of the model that is perturbed, the others that go with it, and the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bridge.errors import InvalidOptionError
from verify.robustness.attacks.scores import Array


@dataclass(frozen=True, slots=True)
class Samples:
    """``x`` of shape ``(N, ...)`` in the input's own type is what is perturbed; ``labels`` are ``(N,)`` in int64.

    ``others`` are further inputs, each with one entry for a sample, such as the ``lengths`` of padded sequences. ``mask``, which
    broadcasts against ``x``, is 0 where nothing may be moved: beyond the end of a sequence. Raises ``InvalidOptionError`` where
    the parts do not fit together.
    """

    name: str
    x: Array
    labels: Array
    others: Mapping[str, Array] = field(default_factory=dict)
    mask: Array | None = None

    def __post_init__(self) -> None:
        if not len(self.x):
            raise InvalidOptionError("there is no sample to attack")
        for name, value in (("labels", self.labels), *self.others.items()):
            if len(value) != len(self.x):
                raise InvalidOptionError(f"{name}: {len(value)} entries for {len(self.x)} samples")
        if self.labels.ndim != 1 or self.labels.dtype.kind not in "iu":
            raise InvalidOptionError(
                f"labels of shape {self.labels.shape} and type {self.labels.dtype}; expected one whole number for each sample"
            )
        if self.x.dtype.kind == "f" and not np.isfinite(self.x).all():
            raise InvalidOptionError(f"{self.name}: values that are not finite")

    def __len__(self) -> int:
        return len(self.x)

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
        return Samples(self.name, self.x[rows], self.labels[rows], {n: v[rows] for n, v in self.others.items()}, mask)


def mask_of_lengths(lengths: Array, shape: tuple[int, ...]) -> Array:
    """1 for the steps of each sequence and 0 behind its end: shape ``(N, T, 1, ...)`` in float32."""
    steps = np.arange(shape[1])[None, :] < np.asarray(lengths).reshape(-1, 1)
    return steps.astype(np.float32).reshape(*steps.shape, *[1] * (len(shape) - 2))
