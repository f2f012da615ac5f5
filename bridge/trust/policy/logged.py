"""The rule ``log``: whether the signature and all claims of a package are in a transparency log that the policy trusts.

Whoever has a signer's key, by right or not, can sign anything in secret, for one victim alone. What has to be in a log can only
be signed in public.
"""

from __future__ import annotations

from bridge.errors import InvalidBundleError, SignatureError, TransparencyLogError
from bridge.trust.model_signature import VerifiedModel
from bridge.trust.policy.model import PACKAGE, Policy
from bridge.trust.policy.rules import LOG, Outcome, RuleOutcome
from bridge.trust.resource_names import LOG_PROOFS


def log_rule(policy: Policy, role: str, model: VerifiedModel, claims: bytes, proofs: bytes | None) -> RuleOutcome:
    """What the rule says. ``claims`` and ``proofs`` are the bytes of the files beside the signature, if they are there."""
    if role != PACKAGE or not policy.log.keys:
        return RuleOutcome(LOG, Outcome.NOT_APPLIED, "no log is asked for")
    if proofs is None:
        return RuleOutcome(LOG, Outcome.REFUSED, f"there is no {LOG_PROOFS}; `bridge log prove LOG PACKAGE` writes it")
    # Logs and Ed25519 are imported where a policy asks for them.
    from bridge.trust.log.package_proofs import verify_proofs
    from bridge.trust.log.statements import entry_of

    lines = claims.removesuffix(b"\n").split(b"\n") if claims else []
    entries = [bytes.fromhex(model.signature_sha256), *(entry_of(line) for line in lines)]
    rules = policy.log
    try:
        checkpoints = verify_proofs(proofs, entries, rules.keys, rules.witnesses, rules.required_witnesses)
    except (InvalidBundleError, SignatureError, TransparencyLogError) as error:
        return RuleOutcome(LOG, Outcome.REFUSED, str(error))
    origins = ", ".join(sorted({checkpoint.origin for checkpoint in checkpoints}))
    return RuleOutcome(LOG, Outcome.PASSED, f"{len(entries)} statement(s) are in {origins}")
