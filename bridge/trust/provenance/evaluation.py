"""What a test of a model found, as an in-toto test-result statement: equivalence, and whatever else is tested."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.trust.provenance.predicates import TEST_RESULT
from bridge.trust.provenance.resource import Resource
from bridge.trust.statement import Statement, Subject

if TYPE_CHECKING:
    from verify.report.document import Case, Output, Report


class EvaluationVerdict(enum.Enum):
    """in-toto's words. A test that passed because somebody waived a tolerance is warned of."""

    PASSED = "PASSED"
    WARNED = "WARNED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run of one kind of test. ``configuration`` are the report, the inputs and whatever else it depended on.

    ``summary`` holds the figures that a policy may ask for; it goes into the statement as the member ``cntkbridge_summary``.
    """

    kind: str
    configuration: tuple[Resource, ...]
    passed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> EvaluationVerdict:
        """Failed where one test failed, or where none was run."""
        if self.failed or not (self.passed or self.warned):
            return EvaluationVerdict.FAILED
        return EvaluationVerdict.WARNED if self.warned else EvaluationVerdict.PASSED


def evaluation_statement(name: str, root_sha256: str, evaluation: Evaluation) -> Statement:
    """The statement that the artefact with OMS root digest ``root_sha256`` was tested, and how that ended."""
    return Statement(
        subject=(Subject(name, {"sha256": root_sha256}),),
        predicate_type=TEST_RESULT,
        predicate={
            "result": evaluation.verdict.value,
            "configuration": [resource.to_json() for resource in evaluation.configuration],
            "passedTests": list(evaluation.passed),
            "warnedTests": list(evaluation.warned),
            "failedTests": list(evaluation.failed),
            "cntkbridge_kind": evaluation.kind,
            "cntkbridge_summary": dict(evaluation.summary),
        },
    )


def equivalence_evaluation(report: Report, file: Resource) -> Evaluation:
    """An equivalence report as an evaluation. ``file`` is the report's JSON form, as it lies in the package.

    Tests are called by case and backend. The summary has the devices, the tolerances by element type, the greatest errors with
    the place where they arose, and the seeds.
    """
    inputs = tuple(Resource(f"{item.case}/tensors.npz", digest={"sha256": item.sha256}) for item in report.inputs)
    waived = {(case.case, case.backend) for case in report.cases if any(output.waiver for output in case.outputs)}
    held = [case for case in report.cases if case.holds]
    failed = [_test(case) for case in report.cases if not case.holds]
    failed += [f"{check.check} on {check.backend}" for check in report.determinism if not check.holds]
    return Evaluation(
        kind=report.kind,
        configuration=(file, *inputs),
        passed=tuple(_test(case) for case in held if (case.case, case.backend) not in waived),
        warned=tuple(_test(case) for case in held if (case.case, case.backend) in waived),
        failed=tuple(failed),
        summary=_summary(report),
    )


def _test(case: Case) -> str:
    return f"{case.case} on {case.backend}"


def _summary(report: Report) -> dict[str, Any]:
    compared = [(case, output) for case in report.cases for output in case.outputs if output.metrics is not None]
    return {
        "verdict": report.verdict.value,
        "created": report.created,
        "cases": len(report.cases),
        "backends": [
            {"name": backend.name, "version": backend.version, "device": backend.device, "options": dict(backend.options)}
            for backend in report.backends
        ],
        "devices": sorted({backend.device for backend in report.backends}),
        "tolerances": _tolerances(report),
        "worst": _worst(compared),
        "seeds": dict(report.seeds),
        "determinism": {f"{check.check} on {check.backend}": check.verdict.value for check in report.determinism},
    }


def _tolerances(report: Report) -> dict[str, Any]:
    widest: dict[str, Any] = {}
    for case in report.cases:
        for output in case.outputs:
            if output.tolerance is not None:
                before = widest.get(output.dtype, {"rtol": 0.0, "atol": 0.0})
                widest[output.dtype] = {
                    "rtol": max(before["rtol"], output.tolerance.rtol),
                    "atol": max(before["atol"], output.tolerance.atol),
                }
    return widest


def _worst(compared: list[tuple[Case, Output]]) -> dict[str, Any]:
    """The greatest errors over all outputs; not-a-number counts as the greatest of all."""

    def figure(value: float) -> tuple[bool, float]:
        return (value != value, value)  # noqa: PLR0124 - not-a-number is what differs from itself

    if not compared:
        return {}
    case, output = max(compared, key=lambda pair: figure(pair[1].metrics.max_abs if pair[1].metrics else 0.0))
    assert output.metrics is not None
    relative = max((item.metrics.max_rel for _, item in compared if item.metrics is not None), key=figure)
    return {
        "maxAbs": _number(output.metrics.max_abs),
        "maxRel": _number(relative),
        "case": case.case,
        "backend": case.backend,
        "output": output.name,
    }


def _number(value: float) -> float | str:
    """JSON has no NaN and no infinity: they are written as text, as the report writes them."""
    return value if abs(value) < float("inf") else str(value)
