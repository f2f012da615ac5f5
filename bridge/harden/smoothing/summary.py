"""Certificates of many samples together: certified accuracy by radius, bound to the model that was asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.harden.smoothing.certificate import ABSTAIN, Certificate, Smoothing
from verify.robustness.statistics import Share

FORMAT: Final = "cntk-bridge/certificates/1"
POINTS: Final = 24
"""Radii of a curve between 0 and the greatest that is looked at."""


@dataclass(frozen=True, slots=True)
class Certification:
    """What one noise certified. ``labels`` are the truth; ``seconds`` is what all certificates together took to compute."""

    smoothing: Smoothing
    labels: tuple[int, ...]
    certificates: tuple[Certificate, ...]
    seconds: float = 0.0

    def accuracy(self, radius: float) -> float:
        """The share of samples whose true class is certified at ``radius`` or beyond; 0 where there are none."""
        return self.share(radius).rate

    def share(self, radius: float) -> Share:
        """The same with its interval."""
        held = zip(self.labels, self.certificates, strict=True)
        return Share.of(sum(found.label == label and found.radius >= radius for label, found in held), len(self.labels))

    @property
    def abstentions(self) -> int:
        """How many samples the votes prove nothing for."""
        return sum(certificate.label == ABSTAIN for certificate in self.certificates)

    @property
    def queries(self) -> int:
        """How often the model was asked for each sample."""
        return self.smoothing.selection + self.smoothing.estimation

    def curve(self, radii: Sequence[float]) -> tuple[tuple[float, Share], ...]:
        """Certified accuracy at each of ``radii``."""
        return tuple((radius, self.share(radius)) for radius in radii)

    def to_json(self, radii: Sequence[float]) -> dict[str, Any]:
        """In JSON's types. The ceiling is stated, so that nobody takes it for the model's own limit."""
        return {
            "sigma": self.smoothing.sigma,
            "ceiling": self.smoothing.ceiling,
            "abstentions": self.abstentions,
            "seconds": round(self.seconds, 3),
            "certified_accuracy": [
                {"radius": radius, "accuracy": share.rate, "lower": share.lower, "upper": share.upper}
                for radius, share in self.curve(radii)
            ],
            "certificates": _rows(self.labels, self.certificates),
        }


@dataclass(frozen=True, slots=True)
class CertificationReport:
    """One certification or several, which differ in their noise alone, of the ONNX file with the digest ``model_sha256``."""

    model_sha256: str
    seed: int
    trained_sigma: float
    certifications: tuple[Certification, ...]

    @property
    def first(self) -> Certification:
        """One of them, for what they have in common."""
        return self.certifications[0]

    @property
    def greatest(self) -> float:
        """The greatest radius that any of them can prove."""
        return max(each.smoothing.ceiling for each in self.certifications)

    @property
    def radii(self) -> tuple[float, ...]:
        """Those of the curves, from 0 to the greatest that any of them can prove."""
        # Rounded down: the greatest radius of one of several would otherwise come to lie beyond what it can prove.
        return tuple(math.floor(1e6 * self.greatest * step / POINTS) / 1e6 for step in range(POINTS + 1))

    def to_json(self) -> dict[str, Any]:
        """In JSON's types."""
        smoothing = self.first.smoothing
        return {
            "format": FORMAT,
            "model_sha256": self.model_sha256,
            "norm": "l2",
            "trained_sigma": self.trained_sigma,
            "selection_votes": smoothing.selection,
            "estimation_votes": smoothing.estimation,
            "queries_per_sample": self.first.queries,
            "alpha": smoothing.alpha,
            "seed": self.seed,
            "samples": len(self.first.labels),
            "curves": [each.to_json(self.radii) for each in self.certifications],
        }

    def to_summary(self) -> dict[str, Any]:
        """The same without the single certificates."""
        document = self.to_json()
        curves = [{name: value for name, value in curve.items() if name != "certificates"} for curve in document["curves"]]
        return {**document, "curves": curves}


def _rows(labels: Sequence[int], certificates: Sequence[Certificate]) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "certified": None if certificate.label == ABSTAIN else certificate.label,
            "radius": certificate.radius,
            "votes": certificate.votes,
        }
        for label, certificate in zip(labels, certificates, strict=True)
    ]
