"""The difference report: the hardened model beside its parent, on samples that had no part in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bridge.harden.evaluation import Evaluation
from bridge.harden.options import DISTILLATION_WARNING, Method, Training
from bridge.harden.samples import Array
from bridge.harden.training import History
from bridge.version import __version__
from verify.robustness.threat import Norm

FORMAT = "cntk-bridge/hardening/1"


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the answers on clean samples moved: ``flips`` decide otherwise, ``mended`` and ``spoilt`` of these rightly."""

    samples: int
    flips: int
    mended: int
    spoilt: int
    max_abs: float


@dataclass(frozen=True, slots=True)
class HardeningReport:
    """``before`` and ``after`` are measured alike, on the test split. ``more`` has what a method adds."""

    method: Method
    training: Training
    created: str
    parent: str
    parent_sha256: str
    data_sha256: str
    before: Evaluation
    after: Evaluation
    difference: Difference
    histories: tuple[History, ...]
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def warning(self) -> str:
        """What has to be said aloud, or an empty text."""
        if not self.method.holds:
            return DISTILLATION_WARNING
        if self.method is not Method.SMOOTHING and self.after.robust <= self.before.robust:
            return "the model does not withstand more than its parent does"
        return ""

    @property
    def _attack(self) -> str:
        if self.training.norm is Norm.TOKENS:
            return f"{self.after.attack}, {self.training.epsilon:g} token(s)"
        return f"PGD with {self.after.steps} steps, {self.training.norm.value} {self.training.epsilon:g}"

    def to_json(self) -> dict[str, Any]:
        """In JSON's types."""
        moved = self.difference
        return {
            "format": FORMAT,
            "tool": {"name": "cntk-bridge", "version": __version__},
            "created": self.created,
            "method": self.method.value,
            "holds": self.method.holds,
            "warning": self.warning,
            "parent": {"name": self.parent, "sha256": self.parent_sha256},
            "data": {"sha256": self.data_sha256},
            "training": self.training.to_json(),
            "networks": [history.to_json() for history in self.histories],
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "difference": {
                "samples": moved.samples,
                "flips": moved.flips,
                "mended": moved.mended,
                "spoilt": moved.spoilt,
                "max_abs": moved.max_abs,
            },
            **self.more,
        }

    def to_markdown(self) -> str:
        """For people: what changed, in two tables."""
        rows = [
            f"# Hardened by {self.method.value}",
            "",
            *([f"**{self.warning}**", ""] if self.warning else []),
            f"Parent `{self.parent}`, root digest `{self.parent_sha256}`.",
            f"Test split of {self.after.samples} samples, {self._attack}.",
            "",
            "| | parent | hardened |",
            "| --- | --- | --- |",
            f"| accuracy | {self.before.clean:.3f} | {self.after.clean:.3f} |",
            f"| robust accuracy | {self.before.robust:.3f} | {self.after.robust:.3f} |",
            "",
            f"On clean samples {self.difference.flips} of {self.difference.samples} decisions differ:",
            f"{self.difference.mended} are right now, {self.difference.spoilt} were right before.",
            "",
            "| class | samples | right before | right now | robust before | robust now |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for old, new in zip(self.before.classes, self.after.classes, strict=True):
            rows.append(f"| {new.label} | {new.samples} | {old.clean} | {new.clean} | {old.robust} | {new.robust} |")
        return "\n".join(rows) + "\n"


def difference(before: Array, after: Array, labels: Array) -> Difference:
    """Logits ``[N, C]`` of parent and child on the same samples."""
    old, new = before.argmax(axis=1), after.argmax(axis=1)
    return Difference(
        samples=len(labels),
        flips=int((old != new).sum()),
        mended=int(((old != labels) & (new == labels)).sum()),
        spoilt=int(((old == labels) & (new != labels)).sum()),
        max_abs=float(np.abs(after.astype(np.float64) - before).max(initial=0.0)),
    )
