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
from verify.robustness.steps import weakest_row_of

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
        """Scores ``(len(x), C)``, of the step that decides where steps are labelled."""
        outputs = self.outputs(x, rows)
        return self.samples.decisive(log_scores(outputs) if self.probabilities else outputs, x, rows)

    def outputs(self, x: Array, rows: Array) -> Array:
        """The output itself, ``(len(x), [T,] C)``."""
        parts = [self._part(x[start : start + self.batch], rows[start : start + self.batch]) for start in _starts(x, self.batch)]
        return np.concatenate(parts)

    def right(self, x: Array) -> Array:
        """Which samples, all moved to ``x``, are classified rightly: ``(N,)``."""
        rows = np.arange(len(x))
        return rightly(self.samples, self.outputs(x, rows), x, rows)

    def _part(self, x: Array, rows: Array) -> Array:
        self.calls += 1
        self.asked += len(x)
        outputs = self.run(self.samples.feeds(x, rows))
        if self.output not in outputs:
            raise _no_output(self.output, outputs)
        found = outputs[self.output]
        shape = _score_shape(self.output, found.shape, len(x), self.samples)
        return found.reshape(shape)


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
        """Logits ``(len(x), C)``, of the step that decides where steps are labelled; the logarithms of probabilities."""
        outputs = self.outputs(x, rows)
        logits = outputs.clamp_min(LEAST).log() if self.probabilities else outputs
        samples = self.samples
        if not samples.per_step:
            return logits
        places = rows.numpy()
        counted = torch.from_numpy(samples.counted(x.detach().numpy(), places))
        return weakest_row_of(logits, torch.from_numpy(samples.labels[places].astype(np.int64)), counted)

    def outputs(self, x: Tensor, rows: Tensor) -> Tensor:
        """The output itself, ``(len(x), [T,] C)``."""
        return torch.cat(
            [self._part(x[start : start + self.batch], rows[start : start + self.batch]) for start in _starts(x, self.batch)]
        )

    def scores(self, x: Array, rows: Array) -> Array:
        """The twin as a ``ScoreTarget``."""
        with torch.no_grad():
            found: Array = self(self.tensor(x), torch.from_numpy(rows)).numpy()
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
        reshaped = logits.reshape(_score_shape(self.output, tuple(logits.shape), len(x), self.samples))
        scores: Tensor = reshaped.float() if reshaped.dtype == torch.float16 else reshaped
        return scores


def rightly(samples: Samples, outputs: Array, x: Array, rows: Array) -> Array:
    """Which of ``x`` are classified rightly where the model gives ``outputs`` ``(len(x), [T,] C)``. Not a number is no answer."""
    decisive = samples.decisive(outputs, x, rows)
    found: Array = (decisive.argmax(axis=1) == samples.aims[rows]) & ~np.isnan(decisive).any(axis=1)
    return found


def _score_shape(name: str, shape: tuple[int, ...], count: int, samples: Samples) -> tuple[int, ...]:
    """The shape of scores: ``(N, C)``, or ``(N, T, C)`` where steps are labelled. Static extents of 1 in between are dropped."""
    steps = samples.labels.shape[1:]
    leading, classes = (count, *steps), shape[-1] if shape else 0
    between = shape[len(leading) : -1]
    if len(shape) <= len(leading) or shape[: len(leading)] != leading or any(extent != 1 for extent in between):
        expected = "one row of scores for each step: (sequences, steps, classes)" if steps else _ROWS
        raise InvalidOptionError(f"output {name!r} has shape {shape} for labels of shape {leading}; expected {expected}")
    if classes < 2:
        raise InvalidOptionError(f"output {name!r} has one score; attacks need the scores of two classes or more")
    return (*leading, classes)


_ROWS = "one row of scores for each sample: (samples, classes)"


def _no_output(name: str, outputs: Mapping[str, Any]) -> InvalidOptionError:
    return InvalidOptionError(f"the model has no output {name!r}; it has {', '.join(sorted(outputs))}")


def _starts(x: Array | Tensor, batch: int) -> range:
    return range(0, len(x), batch)
