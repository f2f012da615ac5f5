"""What is found out about a hardened model once it is written: the difference to its parent, certificates, the smoke test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bridge.harden.classifier import Classifier, logits_of
from bridge.harden.ensemble import DISAGREEMENT
from bridge.harden.evaluation import evaluate
from bridge.harden.methods import Subject, Trained
from bridge.harden.options import HardenOptions, Method
from bridge.harden.parent import Parent
from bridge.harden.report import HardeningReport, difference
from bridge.harden.samples import Array, Samples
from bridge.harden.smoothing.certifying import certify_samples
from bridge.harden.smoothing.summary import CertificationReport
from bridge.harden.training import Progress, silent
from verify.equivalence.backends.onnxruntime import OnnxRuntime

if TYPE_CHECKING:
    from verify.robustness.document import RobustnessReport

MEASURED_STEPS = 40
"""Of the attack by which parent and child are compared."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A hardened model: ``engine`` serves what was written, ``module`` is its twin, ``before`` the parent's twin."""

    parent: Parent
    subject: Subject
    before: Classifier
    trained: Trained
    module: torch.nn.Module
    engine: OnnxRuntime
    options: HardenOptions
    data_sha256: str
    model_sha256: str
    progress: Progress = silent

    @property
    def after(self) -> Classifier:
        """The twin as a classifier."""
        return self.subject.asked(self.module)

    def difference(self, certification: CertificationReport | None) -> HardeningReport:
        """The difference report, on the whole test split."""
        training, test = self.options.training, self.subject.split.test
        return HardeningReport(
            method=self.options.method,
            training=training,
            created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            parent=self.parent.origin.name,
            parent_sha256=self.parent.origin.root_sha256,
            data_sha256=self.data_sha256,
            before=evaluate(self.before, test, training, steps=MEASURED_STEPS, seed=training.seed + 1),
            after=evaluate(self.after, test, training, steps=MEASURED_STEPS, seed=training.seed + 1),
            difference=difference(self._logits(self.before), self._logits(self.after), test.y),
            histories=self.trained.histories,
            more=self._more(certification),
        )

    def _logits(self, classifier: Classifier) -> Array:
        test = self.subject.split.test
        return logits_of(classifier.beside(test), test.x)

    def certify(self) -> CertificationReport | None:
        """Certificates by the ONNX file that was written, to whose digest they are bound; ``None`` for other methods."""
        options, subject = self.options, self.subject
        if options.method is not Method.SMOOTHING:
            return None
        training = options.training
        certified = certify_samples(
            self.engine.run,
            _spread(subject.split.test, options.certified),
            (subject.input_name, subject.output_name),
            options.smoothings,
            seed=training.seed,
            progress=self.progress,
        )
        return CertificationReport(self.model_sha256, training.seed, training.sigma, certified)

    def smoke(self) -> RobustnessReport | None:
        """The adversarial smoke test on samples of the test split; ``None`` where it was left out."""
        if not self.options.smoke:
            return None
        from verify.robustness.testing import Options, Sides, Trial, run_robustness_test

        test = _spread(self.subject.split.test, self.options.smoke_samples)
        return run_robustness_test(
            Sides(self.engine.run, self.module, self.subject.output_name),
            test.attacked(self.subject.input_name),
            (Trial(self.options.training.threat),),
            Options(
                seed=self.options.training.seed,
                progress=self.progress,
                data_sha256=self.data_sha256,
                command="bridge harden",
            ),
        )

    def _more(self, certification: CertificationReport | None) -> Mapping[str, Any]:
        """What the method adds to the report."""
        if certification is not None:
            return {"smoothing": certification.to_summary()}
        if self.options.method is not Method.ENSEMBLE:
            return {}
        found = self.engine.run(self.subject.split.test.feeds(self.subject.input_name))[DISAGREEMENT]
        return {"ensemble": {"members": self.options.training.members, "mean_disagreement": float(found.mean())}}


def _spread(samples: Samples, count: int) -> Samples:
    """At most ``count`` of the samples, evenly over all: they stand in the order of the user's file."""
    rows = np.unique(np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(np.intp))
    return samples.at(rows)
