"""A sample before and after, to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from verify.report.document.codec import digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """``clean``, ``perturbation`` and ``adversarial`` are PNG images in base64; the perturbation is scaled to be seen.

    ``distance`` is how far the sample was moved, in the norm of the threat. Where every step of a sequence is labelled, ``step``
    is the one that ``label`` and ``adversarial_class`` speak of.
    """

    sample: int
    attack: str
    label: int
    adversarial_class: int
    distance: float = digits(6)
    clean: str
    perturbation: str
    adversarial: str
    step: int | None = None
