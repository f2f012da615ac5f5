"""Signature, bytes, and then all other rules, in this order: nothing is believed before what it stands on."""

from __future__ import annotations

from bridge.errors import InvalidBundleError, PolicyError, SignatureError
from bridge.trust.hashing import Take
from bridge.trust.model_signature import VerifiedModel, verify_model
from bridge.trust.policy.evaluation import evaluate
from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import SIGNATURE, Decision
from bridge.trust.policy.signers import PolicyVerifier
from bridge.trust.provenance.history import Evidence
from bridge.trust.tree import OpenedRoot


def judge(
    root: OpenedRoot, evidence: Evidence, policy: Policy, role: str, *, take: Take | None = None
) -> tuple[VerifiedModel, Decision]:
    """Hold an opened model against a policy. The decision may be a refusal; nothing is remembered.

    Raises ``PolicyError`` for the rules about signers and signature, and ``IntegrityError``: what comes behind these cannot be
    looked at without them. ``take`` reads files into memory of the caller's; see ``verify_model``.
    """
    verifier = PolicyVerifier(policy, role)
    verifier.refuse_unless_configured()
    if evidence.signature is None:
        raise PolicyError(SIGNATURE, f"{root.path} has no signature; `bridge sign` makes one")
    try:
        model = verify_model(root, evidence.signature, verifier, take=take)
    except (InvalidBundleError, SignatureError) as error:
        raise PolicyError(SIGNATURE, str(error)) from error
    claims, proofs = evidence.claims or b"", evidence.log_proofs
    return model, evaluate(policy, role, model, claims, proofs, subject=str(root.path), group=verifier.group)
