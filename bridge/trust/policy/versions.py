"""Name and version of a model as its trusted statements give them, and the two rules about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.errors import InvalidOptionError, PolicyError
from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import MINIMUM_VERSION, Outcome, RuleOutcome
from bridge.trust.policy.statements import TrustedStatement
from bridge.trust.provenance.predicates import SLSA_PROVENANCE
from bridge.trust.versions_seen import ROLLBACK, VersionsSeen, older, parse_version


@dataclass(frozen=True, slots=True)
class StatedVersion:
    """What the nearest trusted statement says that the model is called, and which version it is; either may be empty."""

    model: str = ""
    version: str = ""


def stated_version(statements: Sequence[TrustedStatement]) -> StatedVersion:
    """Name and version from the nearest provenance statement that gives a version, or else a name.

    They stand in ``runDetails.cntkbridge_model.model``, where ``bridge sign --provenance`` writes what people say of a model.
    """
    named = StatedVersion()
    for trusted in statements:
        found = _of(trusted)
        if found.version:
            return found
        named = named if named.model else found
    return named


def version_rules(policy: Policy, stated: StatedVersion) -> tuple[RuleOutcome, RuleOutcome]:
    """What the rules ``minimum-version`` and ``rollback`` say."""
    if stated.version:
        try:
            parse_version(stated.version)
        except InvalidOptionError as error:
            refused = RuleOutcome(MINIMUM_VERSION, Outcome.REFUSED, str(error))
            return refused, RuleOutcome(ROLLBACK, Outcome.NOT_APPLIED, "no version to compare")
    return _minimum(policy, stated), _rollback(policy, stated)


def remember(policy: Policy, stated: StatedVersion, root_sha256: str) -> None:
    """Remember the version of a model that was accepted. Raises ``PolicyError`` if a higher one was accepted meanwhile."""
    if policy.versions.remembered and stated.model and stated.version:
        VersionsSeen(policy.versions.store).remember(stated.model, stated.version, root_sha256)


def _minimum(policy: Policy, stated: StatedVersion) -> RuleOutcome:
    if not (stated.model and stated.version):
        if policy.versions.required:
            return RuleOutcome(
                MINIMUM_VERSION,
                Outcome.REFUSED,
                "no trusted statement gives name and version, which the policy requires",
            )
        return RuleOutcome(MINIMUM_VERSION, Outcome.NOT_APPLIED, "no version is stated, and none is required")
    minimum = policy.versions.minimum.get(stated.model)
    if minimum is None:
        return RuleOutcome(MINIMUM_VERSION, Outcome.NOT_APPLIED, f"no minimum is set for {stated.model!a}")
    if parse_version(stated.version) < parse_version(minimum):
        return RuleOutcome(
            MINIMUM_VERSION, Outcome.REFUSED, f"{stated.model!a} is of version {stated.version}; expected at least {minimum}"
        )
    return RuleOutcome(MINIMUM_VERSION, Outcome.PASSED, f"version {stated.version}, at least {minimum} is required")


def _rollback(policy: Policy, stated: StatedVersion) -> RuleOutcome:
    if not policy.versions.remembered:
        return RuleOutcome(ROLLBACK, Outcome.NOT_APPLIED, "versions are not remembered")
    if not (stated.model and stated.version):
        return RuleOutcome(ROLLBACK, Outcome.NOT_APPLIED, "no version is stated")
    try:
        highest = VersionsSeen(policy.versions.store).highest(stated.model)
    except PolicyError as error:
        return RuleOutcome(ROLLBACK, Outcome.REFUSED, str(error))
    if highest is not None and parse_version(highest) > parse_version(stated.version):
        return RuleOutcome(ROLLBACK, Outcome.REFUSED, older(stated.model, stated.version, highest))
    seen = f"the highest accepted before is {highest}" if highest is not None else "the first that is seen here"
    return RuleOutcome(ROLLBACK, Outcome.PASSED, f"version {stated.version}, {seen}")


def _of(trusted: TrustedStatement) -> StatedVersion:
    if trusted.statement.predicate_type != SLSA_PROVENANCE:
        return StatedVersion()
    value: object = trusted.statement.predicate
    for member in ("runDetails", "cntkbridge_model", "model"):
        value = value.get(member) if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping):
        return StatedVersion()
    name, version = value.get("name"), value.get("version")
    return StatedVersion(name if isinstance(name, str) else "", version if isinstance(version, str) else "")
