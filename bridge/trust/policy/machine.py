"""What a policy asks of the machine that a package is loaded on, told to whoever asks about the package beforehand."""

from __future__ import annotations

from bridge.trust.policy.model import GuardRules, RuntimeRules
from bridge.trust.policy.rules import GUARDS, LIBRARIES, SANDBOX, Outcome, RuleOutcome


def asked_of_the_machine(rules: RuntimeRules) -> tuple[RuleOutcome, ...]:
    """The rules that will be applied where the package is loaded; those that ask for nothing are left out."""
    asked: list[tuple[str, str]] = []
    if rules.libraries is not None:
        signers = ", ".join(rules.libraries.signers)
        asked.append((LIBRARIES, f"the engine's libraries are those of the lock '{rules.libraries.lock}', signed by {signers}"))
    if rules.minimum_sandbox != "none":
        asked.append((SANDBOX, f"a sandbox of level {rules.minimum_sandbox} or above"))
    if rules.guards is not None:
        asked.append((GUARDS, f"input guards {_guards(rules.guards)}"))
    return tuple(RuleOutcome(rule, Outcome.NOT_APPLIED, f"asked where the package is loaded: {what}") for rule, what in asked)


def _guards(rules: GuardRules) -> str:
    kinds = f"of the kinds {', '.join(rules.kinds)}" if rules.kinds else ""
    files = f"of a file whose sha256 is {' or '.join(sorted(rules.digests))}" if rules.digests else ""
    return ", ".join(filter(None, (kinds, files)))
