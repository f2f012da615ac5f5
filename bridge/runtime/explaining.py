"""What a policy finds in a model and in the machine that would run it, rule by rule, without any effect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.errors import IntegrityError, PolicyError
from bridge.runtime.guards.required import refuse_unguarded
from bridge.runtime.sandbox.report import require
from bridge.runtime.sandbox.trial import sandbox_of_this_machine
from bridge.trust.explaining import explain
from bridge.trust.policy.libraries import ENGINE_LIBRARIES, check_against_lock
from bridge.trust.policy.model import PACKAGE, Policy, RuntimeRules
from bridge.trust.policy.rules import GUARDS, LIBRARIES, RUNTIME_RULES, SANDBOX, Decision, Outcome, RuleOutcome
from bridge.trust.small_files import StrPath

if TYPE_CHECKING:
    from bridge.runtime.guards.configuration import GuardConfiguration


def explain_here(
    path: StrPath, policy: Policy, *, signature: StrPath | None = None, guards: GuardConfiguration | None = None
) -> Decision:
    """``bridge.trust.explaining.explain``, and of a package the rules about this machine too.

    ``guards`` are those that the model would be loaded behind. What is found of the machine is found by trying: the libraries are
    hashed, a process is confined. Both are only done where the policy asks for them. Nobody is alerted.

    Raises ``SourceError`` and ``UnsafePathError`` for what cannot be read at all.
    """
    decision = explain(path, policy, signature=signature)
    if decision.role != PACKAGE:
        said = "a source is converted, not loaded to be run"
        here = tuple(RuleOutcome(rule, Outcome.NOT_APPLIED, said) for rule in RUNTIME_RULES)
    else:
        here = (_libraries(policy), _sandbox(policy.runtime), _guards(policy.runtime, guards))
    return replace(decision, outcomes=(*decision.outcomes, *here))


def _libraries(policy: Policy) -> RuleOutcome:
    if policy.runtime.libraries is None:
        return RuleOutcome(LIBRARIES, Outcome.NOT_APPLIED, "no lock of libraries is named")
    try:
        check_against_lock(policy)
    except (IntegrityError, PolicyError) as error:
        return RuleOutcome(LIBRARIES, Outcome.REFUSED, str(error))
    detail = f"those installed here are as {str(policy.runtime.libraries.lock)!r} has them: {', '.join(ENGINE_LIBRARIES)}"
    return RuleOutcome(LIBRARIES, Outcome.PASSED, detail)


def _sandbox(rules: RuntimeRules) -> RuleOutcome:
    if rules.minimum_sandbox == "none":
        return RuleOutcome(SANDBOX, Outcome.NOT_APPLIED, "no level is asked for")
    report = sandbox_of_this_machine()
    try:
        require(report, rules.minimum_sandbox)
    except PolicyError as error:
        return RuleOutcome(SANDBOX, Outcome.REFUSED, str(error))
    detail = (
        f"workers on this machine reach {report.name}; {rules.minimum_sandbox} is asked for, so that isolation='none' is refused"
    )
    return RuleOutcome(SANDBOX, Outcome.PASSED, detail)


def _guards(rules: RuntimeRules, guards: GuardConfiguration | None) -> RuleOutcome:
    if rules.guards is None:
        return RuleOutcome(GUARDS, Outcome.NOT_APPLIED, "no input guards are asked for")
    try:
        refuse_unguarded(rules, guards)
    except PolicyError as error:
        return RuleOutcome(GUARDS, Outcome.REFUSED, str(error))
    assert guards is not None
    return RuleOutcome(GUARDS, Outcome.PASSED, f"there are {', '.join(sorted(guards.kinds))}, sha256 {guards.sha256}")
