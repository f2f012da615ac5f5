"""A robustness report as a signed test-result statement among the claims of a package, where a policy can require it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bridge.errors import InvalidOptionError
from bridge.trust.bundle import sign_statement
from bridge.trust.provenance.claims_files import add_claims
from bridge.trust.provenance.evaluation import Evaluation, evaluation_statement
from bridge.trust.provenance.predicates import REPORT, ROLE
from bridge.trust.provenance.resource import Resource
from bridge.trust.signers import Signer
from verify.report.writing import JSON
from verify.robustness.document import CheckStatus, RobustnessReport, ThreatResult, Verdict
from verify.robustness.report.json_report import render_json


def robustness_evaluation(report: RobustnessReport) -> Evaluation:
    """The report as an evaluation. It fails unless the verdict is PASS: an unreliable result is none.

    Tests are the gates and the signs of masking under each threat. The report itself is named by the digest of its JSON form.
    """
    data = render_json(report).encode()
    file = Resource(
        JSON, digest={"sha256": hashlib.sha256(data).hexdigest()}, media_type="application/json", annotations={ROLE: REPORT}
    )
    samples = report.data.sha256 if report.data is not None else ""
    inputs = (Resource("data", digest={"sha256": samples}),) if samples else ()
    tests = [test for result in report.results for test in _tests(result)]
    passed, failed = ([name for name, held in tests if held is wanted] for wanted in (True, False))
    if not report.results:
        failed.append("the test as a whole")
    return Evaluation(
        kind=report.kind,
        configuration=(file, *inputs),
        passed=tuple(passed),
        failed=tuple(failed),
        summary=_summary(report),
    )


def state_robustness(package: Path, root_sha256: str, report: RobustnessReport, signer: Signer) -> Path:
    """Sign what ``report`` found of the package with that OMS root digest, and add it to the package's claims.

    Raises ``InvalidOptionError`` where there is no signed package to speak of, and ``IntegrityError`` for claims that are not
    about it.
    """
    if not root_sha256:
        raise InvalidOptionError(f"{package} is no signed package: a claim about it would speak of nothing that can be verified")
    statement = evaluation_statement(package.name, root_sha256, robustness_evaluation(report))
    return add_claims(package, root_sha256, [sign_statement(statement, signer)])


def _tests(result: ThreatResult) -> Iterator[tuple[str, bool]]:
    """The tests under one threat, by names that stay the same whichever other threats there are."""
    norm = result.threat.norm
    yield from ((f"{norm} gate: {gate.name}", gate.holds) for gate in result.gates)
    yield from ((f"{norm} masking: {check.name}", check.status is not CheckStatus.RAISED) for check in result.checks)
    if result.verdict is Verdict.ERROR:
        yield f"{norm}: the test as a whole", False


def _summary(report: RobustnessReport) -> dict[str, Any]:
    """The figures that somebody who decides about the model asks for."""
    return {
        "verdict": report.verdict.value,
        "created": report.created,
        "tier": report.tier,
        "schema": f"{report.kind} {report.schema_version}",
        "seeds": dict(report.seeds),
        "threats": [_threat(result) for result in report.results],
    }


def _threat(result: ThreatResult) -> dict[str, Any]:
    threat, worst = result.threat, result.worst
    said: dict[str, Any] = {
        "norm": threat.norm,
        "epsilon": threat.epsilon,
        "low": threat.low,
        "high": threat.high,
        "verdict": result.verdict.value,
        "gates": {gate.name: {"required": gate.required, "bound": gate.bound, "holds": gate.holds} for gate in result.gates},
    }
    if worst is not None:
        said["worst"] = {"count": worst.count, "total": worst.total, "lower": worst.lower, "upper": worst.upper}
    return said
