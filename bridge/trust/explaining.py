"""What a policy finds in a model, rule by rule, without any effect: nothing is remembered, and nobody is alerted."""

from __future__ import annotations

from dataclasses import replace

from bridge.errors import IntegrityError, PolicyError
from bridge.trust.judging import judge
from bridge.trust.policy.evaluation import refused_early
from bridge.trust.policy.machine import asked_of_the_machine
from bridge.trust.policy.model import PACKAGE, SOURCE, Policy
from bridge.trust.policy.rules import INTEGRITY, Decision
from bridge.trust.small_files import StrPath
from bridge.trust.tree import OpenedRoot
from bridge.trust.verified import evidence_of


def explain(path: StrPath, policy: Policy, *, signature: StrPath | None = None) -> Decision:
    """The decision about a model file, as a source, or about a folder, as a package; an accepting or a refusing one.

    What the policy asks of the machine that a package is loaded on is told as well, and applied there.
    Raises ``SourceError`` and ``UnsafePathError`` for what cannot be read at all.
    """
    with OpenedRoot(path) as root:
        role = PACKAGE if root.is_folder else SOURCE
        try:
            decision = judge(root, evidence_of(root, signature), policy, role)[1]
        except PolicyError as error:
            decision = refused_early(policy, role, str(path), error.rule, str(error))
        except IntegrityError as error:
            decision = refused_early(policy, role, str(path), INTEGRITY, str(error))
    if role == PACKAGE:
        decision = replace(decision, outcomes=(*decision.outcomes, *asked_of_the_machine(policy.runtime)))
    return decision
