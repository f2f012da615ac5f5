"""The two sides of a test: the model as it is served, which can be asked, and its twin in PyTorch, which has gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge.errors import InvalidOptionError
from verify.robustness.attacks.scores import Array
from verify.robustness.probabilities import LEAST, log_scores
from verify.robustness.samples import Samples

Run = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""A session: all outputs by name for all inputs by name."""


@dataclass(slots=True)
class ServedTarget:
    """A ``ScoreTarget`` over a session, which gets ``batch`` samples at once.

    With ``probabilities`` the output's logarithms are the scores. ``calls`` and ``asked`` count what was sent.
    """

    run: Run
    samples: Samples
    output: str
    batch: int = 64
    probabilities: bool = False
    calls: int = field(default=0, init=False)
    asked: int = field(default=0, init=False)

    def __call__(self, x: Array, rows: Array) -> Array:
        """Scores ``(len(x), C)``."""
        raw = self.raw(x, rows)
        return log_scores(raw) if self.probabilities else raw

    def raw(self, x: Array, rows: Array) -> Array:
        """The output itself, ``(len(x), C)``."""
        parts = [self._part(x[start : start + self.batch], rows[start : start + self.batch]) for start in _starts(x, self.batch)]
        return np.concatenate(parts)

    def classes(self, x: Array) -> Array:
        """The classes that all samples, moved to ``x``, are taken for: ``(N,)``. Not a number is no class: -1."""
        scores = self.raw(x, np.arange(len(x)))
        found: Array = np.where(np.isnan(scores).any(axis=1), -1, scores.argmax(axis=1))
        return found

    def _part(self, x: Array, rows: Array) -> Array:
        self.calls += 1
        self.asked += len(x)
        return _scores_of(self.run(self.samples.feeds(x, rows)), self.output, len(x))


@dataclass(slots=True)
class TwinTarget:
    """A ``GradientTarget`` over a module that takes inputs by name and returns outputs by name, as ours do, or one tensor."""

    module: torch.nn.Module
    samples: Samples
    output: str
    batch: int = 64
    probabilities: bool = False
    _others: dict[str, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self._others = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in self.samples.others.items()}

    def __call__(self, x: Tensor, rows: Tensor) -> Tensor:
        """Logits ``(len(x), C)``; the logarithms of probabilities."""
        raw = self.raw(x, rows)
        return raw.clamp_min(LEAST).log() if self.probabilities else raw

    def raw(self, x: Tensor, rows: Tensor) -> Tensor:
        """The output itself, ``(len(x), C)``."""
        return torch.cat(
            [self._part(x[start : start + self.batch], rows[start : start + self.batch]) for start in _starts(x, self.batch)]
        )

    def scores(self, x: Array, rows: Array) -> Array:
        """The twin as a ``ScoreTarget``."""
        with torch.no_grad():
            found: Array = self(self.tensor(x), torch.from_numpy(rows)).numpy()
        return found

    def classes(self, x: Array) -> Array:
        """The classes that all samples, moved to ``x``, are taken for: ``(N,)``."""
        found: Array = self.scores(x, np.arange(len(x))).argmax(axis=1)
        return found

    def tensor(self, x: Array) -> Tensor:
        """Samples as a tensor that has gradients: whole numbers become float32."""
        return torch.from_numpy(np.ascontiguousarray(x if x.dtype.kind == "f" else x.astype(np.float32)))

    def _part(self, x: Tensor, rows: Tensor) -> Tensor:
        feeds: dict[str, Tensor] = {self.samples.name: x, **{name: value[rows] for name, value in self._others.items()}}
        found: Any = self.module(**feeds)
        if isinstance(found, Mapping) and self.output not in found:
            raise _no_output(self.output, found)
        logits = found[self.output] if isinstance(found, Mapping) else found
        if logits.dim() != 2 or len(logits) != len(x):
            raise _not_scores(self.output, tuple(logits.shape), len(x))
        scores: Tensor = logits.float() if logits.dtype == torch.float16 else logits
        return scores


def _scores_of(outputs: Mapping[str, Array], name: str, count: int) -> Array:
    if name not in outputs:
        raise _no_output(name, outputs)
    scores = outputs[name]
    if scores.ndim != 2 or len(scores) != count:
        raise _not_scores(name, scores.shape, count)
    return scores


def _no_output(name: str, outputs: Mapping[str, Any]) -> InvalidOptionError:
    return InvalidOptionError(f"the model has no output {name!r}; it has {', '.join(sorted(outputs))}")


def _not_scores(name: str, shape: tuple[int, ...], count: int) -> InvalidOptionError:
    return InvalidOptionError(
        f"output {name!r} has shape {shape} for {count} samples; expected one row of scores for each sample: (samples, classes)"
    )


def _starts(x: Array | Tensor, batch: int) -> range:
    return range(0, len(x), batch)
