"""What the tests of a hardened model found, as evaluations for its claims."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.harden.report import HardeningReport
from bridge.trust.provenance.evaluation import Evaluation, equivalence_evaluation
from bridge.trust.provenance.resource import Resource
from verify.report.document import Report

TWIN_EQUIVALENCE: Final = "twin-equivalence"
"""Not the kind of a conversion's test: what is compared is the twin in PyTorch, and nothing that CNTK has computed."""

HARDENING: Final = "hardening"


def evaluations(equivalence_file: Resource, equivalence: Report, file: Resource, report: HardeningReport) -> list[Evaluation]:
    """The comparison with the twin, and the one with the parent. What a method has to be warned of is a warning here too."""
    test = f"withstands more than its parent: {report.method.value}"
    better = not report.warning
    compared = Evaluation(
        kind=HARDENING,
        configuration=(file,),
        passed=(test,) if better else (),
        warned=() if better else (f"{test}: {report.warning}",),
        summary={
            "method": report.method.value,
            "cleanBefore": report.before.clean,
            "cleanAfter": report.after.clean,
            "robustBefore": report.before.robust,
            "robustAfter": report.after.robust,
        },
    )
    return [replace(equivalence_evaluation(equivalence, equivalence_file), kind=TWIN_EQUIVALENCE), compared]
