"""A policy applied: to a model whose signature and bytes were verified, and to what is refused before that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bridge.errors import InvalidBundleError
from bridge.trust.model_signature import VerifiedModel
from bridge.trust.policy.age import age_rule
from bridge.trust.policy.logged import log_rule
from bridge.trust.policy.model import PACKAGE, Policy
from bridge.trust.policy.rules import (
    CLAIMS,
    INTEGRITY,
    REQUIRED_STATEMENTS,
    REVOKED_DIGEST,
    REVOKED_KEY,
    ROLE,
    RULES,
    SIGNATURE,
    SIGNERS,
    Decision,
    Outcome,
    RuleOutcome,
)
from bridge.trust.policy.signers import StatementVerifier
from bridge.trust.policy.statements import TrustedStatement, Verdict, trusted_statements
from bridge.trust.policy.versions import stated_version, version_rules
from bridge.trust.provenance.chain import Chain
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import read_claims
from bridge.trust.provenance.predicates import SLSA_PROVENANCE


def evaluate(
    policy: Policy,
    role: str,
    model: VerifiedModel,
    claims: bytes,
    log_proofs: bytes | None = None,
    *,
    subject: str,
    group: str,
    now: datetime | None = None,
) -> Decision:
    """Apply every rule to a model of which signature and bytes hold. Raises nothing: the decision says what refuses.

    ``claims`` are the bytes of its ``claims.jsonl``, empty where there is none, ``log_proofs`` those of its proofs from a log;
    ``group`` is whose signature it is; ``subject`` is what the decision calls the model. Nothing is remembered yet; see
    ``versions.remember``.
    """
    moment = now or datetime.now(UTC)
    claims_rule, statements = _claims(policy, role, model, claims)
    stated = stated_version(statements)
    outcomes = (
        RuleOutcome(SIGNERS, Outcome.PASSED, f"{len(policy.groups(role))} group(s) may sign a {role}"),
        RuleOutcome(SIGNATURE, Outcome.PASSED, f"by {model.identity.name!a}"),
        RuleOutcome(ROLE, Outcome.PASSED, f"{group} may sign a {role}"),
        RuleOutcome(REVOKED_KEY, Outcome.PASSED, f"{model.identity.fingerprint} is not among {len(policy.revoked_keys)} revoked"),
        RuleOutcome(INTEGRITY, Outcome.PASSED, f"{len(model.files)} digest(s) hold"),
        _revoked(policy, model),
        claims_rule,
        _required(policy, role, statements),
        log_rule(policy, role, model, claims, log_proofs),
        age_rule(policy, role, statements, moment),
        *version_rules(policy, stated),
    )
    return Decision(
        policy=policy.name,
        policy_sha256=policy.sha256,
        role=role,
        subject=subject,
        time=moment,
        outcomes=outcomes,
        root_digest=model.root_digest,
        identity=model.identity,
        signer=group,
        model=stated.model,
        version=stated.version,
    )


def refused_early(policy: Policy, role: str, subject: str, rule: str, detail: str) -> Decision:
    """The decision where a rule before ``evaluate`` refuses. Those behind it are not applied: nothing there could be believed."""
    names = list(RULES)
    before = names[: names.index(rule)]
    outcomes = [
        *(RuleOutcome(name, Outcome.PASSED, "holds") for name in before),
        RuleOutcome(rule, Outcome.REFUSED, detail),
        *(RuleOutcome(name, Outcome.NOT_APPLIED, f"{rule} refuses already") for name in names[len(before) + 1 :]),
    ]
    return Decision(policy.name, policy.sha256, role, subject, datetime.now(UTC), tuple(outcomes))


def unsigned(policy: Policy, role: str, subject: str) -> Decision:
    """The decision where there is no signature, and the caller accepts that."""
    outcomes = tuple(RuleOutcome(name, Outcome.NOT_APPLIED, "unsigned, which was allowed explicitly") for name in RULES)
    return Decision(policy.name, policy.sha256, role, subject, datetime.now(UTC), outcomes, unsigned=True)


def _revoked(policy: Policy, model: VerifiedModel) -> RuleOutcome:
    revoked = policy.revoked_digests
    if model.root_digest in revoked:
        return RuleOutcome(REVOKED_DIGEST, Outcome.REFUSED, f"the model with the root digest {model.root_digest} is revoked")
    for digest in (model.signature_sha256, model.statement_sha256):
        if digest in revoked:
            return RuleOutcome(REVOKED_DIGEST, Outcome.REFUSED, f"the signature with the digest {digest} is revoked")
    for file in model.files:
        if file.digest in revoked:
            return RuleOutcome(REVOKED_DIGEST, Outcome.REFUSED, f"{file.name!a} with the digest {file.digest} is revoked")
    return RuleOutcome(REVOKED_DIGEST, Outcome.PASSED, f"none of {len(revoked)} revoked digests occurs")


def _claims(policy: Policy, role: str, model: VerifiedModel, data: bytes) -> tuple[RuleOutcome, tuple[TrustedStatement, ...]]:
    """The rule ``claims``, and the statements that count. A package without the claim that says how it was made lost it."""
    if not data and role != PACKAGE:
        return RuleOutcome(CLAIMS, Outcome.NOT_APPLIED, "there are no claims"), ()
    try:
        claims = read_claims(data)
    except InvalidBundleError as error:
        return RuleOutcome(CLAIMS, Outcome.REFUSED, str(error)), ()
    chain = verify_chain(model.name, model.root_digest, claims, StatementVerifier(policy, tuple(policy.signers)))
    if not chain.holds:
        return RuleOutcome(CLAIMS, Outcome.REFUSED, _faults(chain)), ()
    statements = trusted_statements(policy, chain)
    if role == PACKAGE and not any(trusted.kind == SLSA_PROVENANCE for trusted in statements):
        return RuleOutcome(CLAIMS, Outcome.REFUSED, "no trusted claim says how the package was made"), ()
    return RuleOutcome(CLAIMS, Outcome.PASSED, f"{len(claims)} claim(s), every link holds"), statements


def _faults(chain: Chain) -> str:
    shown = "; ".join(f"{check.what}: {check.detail}" for check in chain.failures[:5])
    return shown + (f"; and {len(chain.failures) - 5} more" if len(chain.failures) > 5 else "")


def _required(policy: Policy, role: str, statements: Sequence[TrustedStatement]) -> RuleOutcome:
    kinds = policy.required.get(role, ())
    if not kinds:
        return RuleOutcome(REQUIRED_STATEMENTS, Outcome.NOT_APPLIED, "no statements are required")
    faults = [fault for kind in kinds if (fault := _fault(policy, kind, statements))]
    if faults:
        return RuleOutcome(REQUIRED_STATEMENTS, Outcome.REFUSED, "; ".join(faults))
    return RuleOutcome(REQUIRED_STATEMENTS, Outcome.PASSED, f"all there: {', '.join(kinds)}")


def _fault(policy: Policy, kind: str, statements: Sequence[TrustedStatement]) -> str:
    """What is wrong about a required kind of statement, or an empty text. One that is unfavourable outweighs all others."""
    found = [trusted for trusted in statements if trusted.kind == kind]
    if not found:
        expected = ", ".join(group.name for group in policy.groups_for_statement(kind)) or "nobody"
        return f"{kind} is missing: no such statement by {expected}"
    if any(trusted.verdict is Verdict.UNFAVOURABLE for trusted in found):
        return f"{kind} is unfavourable"
    if not policy.waived_accepted and any(trusted.verdict is Verdict.WAIVED for trusted in found):
        return f"{kind} holds by waived tolerances alone, which the policy does not accept"
    return ""
