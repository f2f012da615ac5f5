"""What a report says in words, the same in every form."""

from __future__ import annotations

from collections.abc import Iterator

from verify.report.figures import plural, probability_figure
from verify.report.visible import one_line
from verify.robustness.document import Attack, Check, CheckStatus, Gate, RobustnessReport, Verdict
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


def threat_text(report: RobustnessReport) -> str:
    """What the attacker may do: ``linf 0.15 within 0 to 1``."""
    threat = report.threat
    if threat.norm == "tokens":
        return plural(int(threat.epsilon), "token") + " replaced"
    return f"{threat.norm} {threat.epsilon:.4g} within {threat.low:.4g} to {threat.high:.4g}"


def summary(report: RobustnessReport) -> str:
    """One or two sentences for the whole."""
    if report.verdict is Verdict.ERROR or report.worst is None:
        return f"The test came to nothing: {one_line(report.error) or 'no attack was run'}."
    withstood = f"{report.worst.count} of {plural(report.worst.total, 'sample')} withstand everything at {threat_text(report)}"
    match report.verdict:
        case Verdict.FAIL:
            missed = ", ".join(gate.name for gate in report.gates if not gate.holds)
            return f"{withstood}. What was asked does not hold: {missed}."
        case Verdict.UNRELIABLE:
            return f"{withstood}, which is no measure of robustness: the model shows signs of hiding its gradients."
        case _:
            return f"{withstood}. {_claimed(report)}"


def _claimed(report: RobustnessReport) -> str:
    names = [gate.name for gate in report.gates]
    if "floor" in names:
        return "Every gate holds, and no sign of masked gradients was found."
    if not names:
        return "No sign of masked gradients was found, and no gate was set: this is a measurement, not a claim."
    return "What was asked holds. No floor was asked for: this is no claim that the model is robust."


def faults(report: RobustnessReport) -> Iterator[Gate | Check]:
    """Everything that keeps the report from a pass: gates that do not hold, then signs that were raised."""
    yield from (gate for gate in report.gates if not gate.holds)
    yield from (check for check in report.checks if check.status is CheckStatus.RAISED)


def fault_line(fault: Gate | Check) -> str:
    """One line for it."""
    if isinstance(fault, Gate):
        return one_line(f"{fault.name}: {fault.detail or f'bound {fault.bound:.3g}, required {fault.required:.3g}'}")
    return one_line(f"{fault.name}: {fault.detail}")


def attack_line(attack: Attack) -> str:
    """One line for an attack: what it left and what it took."""
    asked = f", {attack.queries.median:g} queries in the median" if attack.queries is not None else ""
    return f"{attack.name}: {attack.robust.count} of {attack.robust.total} withstand it{asked}"


def upper_text(share: Share) -> str:
    """The greatest rate that the interval allows."""
    return f"at most {probability_figure(share.upper)}"
