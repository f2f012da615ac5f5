"""What a report says in words, the same in every form."""

from __future__ import annotations

from collections.abc import Iterator

from verify.report.figures import plural, probability_figure
from verify.report.visible import one_line
from verify.robustness.document import Attack, Check, CheckStatus, Gate, RobustnessReport, ThreatResult, Verdict
from verify.robustness.statistics import Share

TITLES = {
    Verdict.PASS: "Pass",
    Verdict.FAIL: "Fail",
    Verdict.UNRELIABLE: "Unreliable",
    Verdict.ERROR: "No result",
}


def share_text(share: Share | None) -> str:
    """A share with its interval: ``54 % (44–64 %)``."""
    if share is None or not share.total:
        return "–"
    return f"{percent(share.rate)} % ({percent(share.lower)}–{percent(share.upper)} %)"


def percent(rate: float) -> str:
    """A rate in per cent without a sign, with as many digits as a hundred samples can carry."""
    return f"{100 * rate:.3g}" if rate > 0.0005 else "0"


def unit(report: RobustnessReport) -> str:
    """What is counted: a sequence is right when every step of it is."""
    return "sequence" if report.data is not None and report.data.steps else "sample"


def threat_text(result: ThreatResult) -> str:
    """What the attacker may do: ``linf 0.15 within 0 to 1``."""
    threat = result.threat
    if threat.norm == "tokens":
        return plural(int(threat.epsilon), "token") + " replaced"
    return f"{threat.norm} {threat.epsilon:.4g} within {threat.low:.4g} to {threat.high:.4g}"


def threats_text(report: RobustnessReport) -> str:
    """All threats of a report."""
    return "; ".join(threat_text(result) for result in report.results) or "none"


def summary(report: RobustnessReport) -> str:
    """One or two sentences for each threat."""
    if not report.results:
        return "The test came to nothing: no attack was run."
    return " ".join(_summary(result, unit(report)) for result in report.results)


def _summary(result: ThreatResult, counted: str) -> str:
    if result.verdict is Verdict.ERROR or result.worst is None:
        return f"The test of {threat_text(result)} came to nothing: {one_line(result.error) or 'no attack was run'}."
    withstood = f"{result.worst.count} of {plural(result.worst.total, counted)} withstand everything at {threat_text(result)}"
    match result.verdict:
        case Verdict.FAIL:
            missed = ", ".join(gate.name for gate in result.gates if not gate.holds)
            return f"{withstood}. What was asked does not hold: {missed}."
        case Verdict.UNRELIABLE:
            return f"{withstood}, which is no measure of robustness: the model shows signs of hiding its gradients."
        case _:
            return f"{withstood}. {_claimed(result)}"


def _claimed(result: ThreatResult) -> str:
    names = [gate.name for gate in result.gates]
    if "floor" in names:
        return "Every gate holds, and no sign of masked gradients was found."
    if not names:
        return "No sign of masked gradients was found, and no gate was set: this is a measurement, not a claim."
    return "What was asked holds. No floor was asked for: this is no claim that the model is robust."


def faults(report: RobustnessReport) -> Iterator[tuple[ThreatResult, Gate | Check]]:
    """Everything that keeps the report from a pass, with the threat that it belongs to: gates that do not hold, then signs."""
    for result in report.results:
        yield from ((result, gate) for gate in result.gates if not gate.holds)
        yield from ((result, check) for check in result.checks if check.status is CheckStatus.RAISED)


def fault_line(result: ThreatResult, fault: Gate | Check) -> str:
    """One line for it."""
    detail = fault.detail
    if isinstance(fault, Gate):
        detail = detail or f"bound {fault.bound:.3g}, required {fault.required:.3g}"
    return one_line(f"{result.threat.norm}: {fault.name}: {detail}")


def attack_line(attack: Attack) -> str:
    """One line for an attack: what it left and what it took."""
    asked = f", {attack.queries.median:g} queries in the median" if attack.queries is not None else ""
    return f"{attack.name}: {attack.robust.count} of {attack.robust.total} withstand it{asked}"


def upper_text(share: Share) -> str:
    """The greatest rate that the interval allows."""
    return f"at most {probability_figure(share.upper)}"
