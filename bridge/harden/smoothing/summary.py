"""Certificates of many samples together: certified accuracy by radius, bound to the model that was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.harden.smoothing.certificate import ABSTAIN, Certificate, Smoothing


@dataclass(frozen=True, slots=True)
class Certification:
    """What was certified of which model: ``model_sha256`` is that of the ONNX file that answered; ``labels`` are the truth."""

    smoothing: Smoothing
    seed: int
    model_sha256: str
    labels: tuple[int, ...]
    certificates: tuple[Certificate, ...]

    def accuracy(self, radius: float) -> float:
        """The share of samples whose true class is certified at ``radius`` or beyond; 0 where there are none."""
        held = sum(self._holds(index, radius) for index in range(len(self.labels)))
        return held / len(self.labels) if self.labels else 0.0

    def _holds(self, index: int, radius: float) -> bool:
        certificate = self.certificates[index]
        return certificate.label == self.labels[index] and certificate.radius >= radius

    @property
    def abstentions(self) -> int:
        """How many samples the votes prove nothing for."""
        return sum(certificate.label == ABSTAIN for certificate in self.certificates)

    def to_json(self) -> dict[str, Any]:
        """In JSON's types. The ceiling is stated, so that nobody takes it for the model's own limit."""
        smoothing = self.smoothing
        radii = [round(smoothing.ceiling * step / 5, 6) for step in range(5)]
        return {
            "format": "cntk-bridge/certificates/1",
            "model_sha256": self.model_sha256,
            "sigma": smoothing.sigma,
            "selection_votes": smoothing.selection,
            "estimation_votes": smoothing.estimation,
            "alpha": smoothing.alpha,
            "seed": self.seed,
            "ceiling": smoothing.ceiling,
            "samples": len(self.labels),
            "abstentions": self.abstentions,
            "certified_accuracy": [{"radius": radius, "accuracy": self.accuracy(radius)} for radius in radii],
            "certificates": _rows(self.labels, self.certificates),
        }


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
