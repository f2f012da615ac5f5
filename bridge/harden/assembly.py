"""The parts of a hardened package in the order in which they depend on each other; see ``writing`` for the parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.harden.agreement import agreement_report, served
from bridge.harden.classifier import Classifier
from bridge.harden.measuring import Measured
from bridge.harden.methods import Subject, Trained
from bridge.harden.options import HardenOptions
from bridge.harden.parent import Parent
from bridge.harden.parent_network import SOURCE_KEY
from bridge.harden.report import HardeningReport
from bridge.harden.statement import Hardening, data_resource
from bridge.harden.training import Progress, silent
from bridge.harden.verdicts import evaluations
from bridge.harden.writing import hardened_interface, seal, write_bill, write_interface, write_model, write_reports
from bridge.package.contents import EQUIVALENCE_HTML, EQUIVALENCE_JSON, ONNX_MODEL
from bridge.trust.provenance.evaluation import Evaluation
from bridge.trust.provenance.resource import Resource
from bridge.version import __version__
from verify.report.document import Report

if TYPE_CHECKING:
    from bridge.harden.smoothing.summary import CertificationReport
    from verify.robustness.document import RobustnessReport

HARDENING_JSON = "reports/hardening.json"
HARDENING_MARKDOWN = "reports/hardening.md"
ROBUSTNESS_JSON = "reports/robustness.json"
ROBUSTNESS_HTML = "reports/robustness.html"
CERTIFICATES_JSON = "reports/certificates.json"
CERTIFICATES_HTML = "reports/certificates.html"

SAMPLES_COMPARED = 256


@dataclass(frozen=True, slots=True)
class Found:
    """Root digest and reports of what was assembled."""

    root_sha256: str
    report: HardeningReport
    equivalence: Report
    robustness: RobustnessReport | None


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything that is known when the new package is written. ``data_name`` is what its samples' file is called."""

    parent: Parent
    subject: Subject
    before: Classifier
    trained: Trained
    options: HardenOptions
    data_name: str
    data_sha256: str
    started: datetime
    progress: Progress = silent

    def write(self, folder: Path, name: str) -> Found:
        """Fill ``folder``, which becomes the package ``name``."""
        network = self.trained.network
        metadata = self._metadata()
        written = write_model(network, folder, metadata)
        interface = hardened_interface(self.parent.interface, written, network, metadata)
        write_interface(folder, interface)
        measured = Measured(
            self.parent,
            self.subject,
            self.before,
            self.trained,
            network.module(),
            served(written.path),
            self.options,
            self.data_sha256,
            written.digests[ONNX_MODEL],
            self.progress,
        )
        compared = self.subject.split.test.first(SAMPLES_COMPARED).feeds(self.subject.input_name)
        equivalence = agreement_report(
            measured.module, measured.engine, compared, outputs=interface.outputs, command="bridge harden"
        )
        robustness, certification = measured.smoke(), measured.certify()
        report = measured.difference(certification)
        reports = write_reports(folder, _texts(equivalence, robustness, report, certification))
        hardening = self._hardening()
        write_bill(folder, name, interface, hardening)
        files = {item.name: item for item in reports}
        tested = evaluations(files[EQUIVALENCE_JSON], equivalence, files[HARDENING_JSON], report)
        if robustness is not None:
            tested.append(_robustness_evaluation(files[ROBUSTNESS_JSON], robustness))
        expected = {**written.digests, **{item.name: item.sha256 or "" for item in reports}}
        root = seal(folder, name, self.options.signer, hardening, tested, expected, reports)
        return Found(root, report, equivalence, robustness)

    def _metadata(self) -> dict[str, str]:
        source = self.parent.interface.metadata.get(SOURCE_KEY)
        return {
            "cntk_bridge.version": __version__,
            **({SOURCE_KEY: source} if source else {}),
            "cntk_bridge.hardened.method": self.options.method.value,
            "cntk_bridge.hardened.parent.sha256": self.parent.origin.root_sha256,
        }

    def _hardening(self) -> Hardening:
        parameters = {
            "method": self.options.method.value,
            "training": self.options.training.to_json(),
            "input": self.subject.input_name,
            "output": self.subject.output_name,
            "twin": "package" if self.options.source is None else "source",
            "parent": self.parent.interface.kind,
        }
        return Hardening(
            parent=self.parent.origin,
            parent_verified=self.parent.verified,
            data=data_resource(self.data_name, self.data_sha256),
            parameters=parameters,
            started=self.started,
            finished=datetime.now(UTC),
        )


def _robustness_evaluation(file: Resource, report: RobustnessReport) -> Evaluation:
    """As ``bridge attack`` states it, with the report's name in this package."""
    from bridge.attacking.statement import robustness_evaluation

    found = robustness_evaluation(report)
    return replace(found, configuration=(file, *found.configuration[1:]))


def _texts(
    equivalence: Report, robustness: RobustnessReport | None, report: HardeningReport, certification: CertificationReport | None
) -> Mapping[str, str]:
    """The reports by their names in the package."""
    from verify.report.html import render_html
    from verify.report.json_report import render_json
    from verify.robustness.report import json_report
    from verify.robustness.report.html import page

    texts = {EQUIVALENCE_JSON: render_json(equivalence), EQUIVALENCE_HTML: render_html(equivalence)}
    if robustness is not None:
        texts |= {ROBUSTNESS_JSON: json_report.render_json(robustness), ROBUSTNESS_HTML: page.render_html(robustness)}
    if certification is not None:
        from bridge.harden.smoothing.page import render_page

        texts[CERTIFICATES_HTML] = render_page(certification, report.parent)
    documents = {HARDENING_JSON: report, CERTIFICATES_JSON: certification}
    texts |= {name: json.dumps(item.to_json(), indent=1) + "\n" for name, item in documents.items() if item is not None}
    return {**texts, HARDENING_MARKDOWN: report.to_markdown()}
