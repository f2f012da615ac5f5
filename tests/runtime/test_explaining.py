"""`bridge policy explain` says of the rules about the machine what holds on this one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli.app import app
from bridge.runtime.explaining import explain_here
from bridge.runtime.sandbox.report import SandboxLevel, meets
from bridge.runtime.sandbox.trial import sandbox_of_this_machine
from bridge.trust.integrity.checking import check_libraries
from bridge.trust.integrity.lock import sign_lock
from bridge.trust.policy.libraries import ENGINE_LIBRARIES
from bridge.trust.policy.rules import RUNTIME_RULES, Outcome, RuleOutcome
from tests.runtime.packages import package_signed_by
from tests.trust.signed_models import new_key, policy_trusting, signed_file

SIGNER = new_key()


@pytest.fixture(autouse=True)
def _no_alarm(caplog: pytest.LogCaptureFixture) -> Any:
    yield
    assert not caplog.records, "somebody was alerted"


def found(folder: Path, **runtime: Any) -> dict[str, RuleOutcome]:
    """What is found about a package under a policy with these rules about the machine."""
    package = package_signed_by(SIGNER, folder / "package")
    decision = explain_here(package, policy_trusting(folder, SIGNER, runtime=runtime))
    assert decision.accepted == all(each.outcome is not Outcome.REFUSED for each in decision.outcomes)
    return {outcome.rule: outcome for outcome in decision.outcomes}


def test_rules_that_ask_for_nothing_are_not_applied(tmp_path: Path) -> None:
    outcomes = found(tmp_path)
    assert [outcomes[rule].outcome for rule in RUNTIME_RULES] == [Outcome.NOT_APPLIED] * len(RUNTIME_RULES)


def test_the_sandbox_is_tried_out() -> None:
    report = sandbox_of_this_machine()
    assert meets(report, "rlimits")
    assert set(report.details) >= {"user", "namespaces", "capabilities", "landlock", "rlimits", "seccomp"}
    assert (report.level is SandboxLevel.LANDLOCK) <= (report.landlock_abi > 0)


def test_a_sandbox_that_this_machine_reaches_passes_and_names_it(tmp_path: Path) -> None:
    outcome = found(tmp_path, **{"minimum-sandbox": "rlimits"})["sandbox"]
    assert outcome.outcome is Outcome.PASSED
    assert f"reach {sandbox_of_this_machine().name}" in outcome.detail


def test_a_sandbox_beyond_this_machine_is_refused_with_what_it_reaches(tmp_path: Path) -> None:
    outcome = found(tmp_path, **{"minimum-sandbox": "landlock-9999+seccomp"})["sandbox"]
    assert outcome.outcome is Outcome.REFUSED
    assert sandbox_of_this_machine().name in outcome.detail


def test_libraries_are_held_against_their_lock(tmp_path: Path) -> None:
    (tmp_path / "libraries.lock").write_bytes(sign_lock(check_libraries(ENGINE_LIBRARIES), SIGNER))
    rules = {"libraries": {"lock": "libraries.lock", "signers": ["team"]}}
    assert found(tmp_path, **rules)["libraries"].outcome is Outcome.PASSED
    (tmp_path / "libraries.lock").write_bytes(b"{}")
    outcome = found(tmp_path, **rules)["libraries"]
    assert outcome.outcome is Outcome.REFUSED
    assert "libraries.lock" in outcome.detail


def test_guards_that_are_not_there_are_missed(tmp_path: Path) -> None:
    outcome = found(tmp_path, guards={"require": ["range"]})["guards"]
    assert outcome.outcome is Outcome.REFUSED
    assert "there are none" in outcome.detail


def test_the_command_exits_with_3_for_what_this_machine_does_not_offer(tmp_path: Path) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    policy_trusting(tmp_path, SIGNER, runtime={"minimum-sandbox": "landlock-9999+seccomp"})
    done = CliRunner().invoke(app, ["policy", "explain", str(package), "--policy", str(tmp_path / "policy.yaml"), "--json"])
    assert done.exit_code == 3
    outcomes = {rule["rule"]: rule["outcome"] for rule in json.loads(done.stdout)["rules"]}
    assert outcomes["sandbox"] == "refused"
    assert outcomes["signature"] == "passed"


def test_of_a_source_nothing_is_asked_of_the_machine(tmp_path: Path) -> None:
    source = signed_file(tmp_path, SIGNER)
    decision = explain_here(source, policy_trusting(tmp_path, SIGNER, runtime={"minimum-sandbox": "landlock-9999+seccomp"}))
    assert [outcome.outcome for outcome in decision.outcomes][-len(RUNTIME_RULES) :] == [Outcome.NOT_APPLIED] * len(RUNTIME_RULES)
