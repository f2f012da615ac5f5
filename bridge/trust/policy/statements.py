"""Kinds of statements that a policy can ask for, and what the trusted ones among a model's claims say."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.errors import InvalidBundleError, SignatureError
from bridge.trust.bundle import verify_bundle
from bridge.trust.policy.model import Policy
from bridge.trust.policy.signers import StatementVerifier
from bridge.trust.provenance.chain import Chain, CheckedClaim
from bridge.trust.provenance.predicates import SLSA_PROVENANCE, TEST_RESULT, VERIFICATION_SUMMARY
from bridge.trust.provenance.source_verification import SIGNED_LEVEL
from bridge.trust.provenance.step import step_of
from bridge.trust.signers import Identity
from bridge.trust.statement import Statement

TRAINING: Final = "training"
CONVERSION: Final = "conversion"
SOURCE_SIGNATURE: Final = "source-signature"
EQUIVALENCE_CPU: Final = "equivalence-cpu"
EQUIVALENCE_GPU: Final = "equivalence-gpu"
ROBUSTNESS: Final = "robustness"

KINDS: Final[Mapping[str, str]] = {
    TRAINING: "how the model, or the one that it was converted from, was trained",
    CONVERSION: "that the package was converted by this program, and from what",
    SOURCE_SIGNATURE: "that the source's signature was verified before the conversion",
    EQUIVALENCE_CPU: "that the outputs agree with CNTK's on a CPU",
    EQUIVALENCE_GPU: "that the outputs agree with CNTK's on a GPU",
    ROBUSTNESS: "that the model passed its robustness tests",
}
"""The kinds that have a name. Any other predicate type is asked for by its URI."""

_GPU_DEVICES = ("cuda", "dml", "gpu", "rocm", "tensorrt")


class Verdict(enum.Enum):
    """What a statement says of its subject."""

    FAVOURABLE = "favourable"
    WAIVED = "favourable by waived tolerances"
    UNFAVOURABLE = "unfavourable"


@dataclass(frozen=True, slots=True)
class TrustedStatement:
    """A claim in the chain of a model, as one of its kinds, signed by somebody who may make such statements."""

    kind: str
    statement: Statement
    identity: Identity
    verdict: Verdict


def trusted_statements(policy: Policy, chain: Chain) -> tuple[TrustedStatement, ...]:
    """Every trusted statement of the chain, nearest first; one that is of several kinds once for each of them.

    Statements about tests and conversions count for the model in hand alone, the others for what it came from as well. Nothing
    that a revoked key signed, or that is revoked itself, counts.
    """
    return tuple(found for checked in chain.all_claims() for found in _of_claim(policy, chain.root.sha256, checked))


def kinds_of(statement: Statement) -> tuple[str, ...]:
    """What a policy can call this statement: its predicate type, and the names that apply."""
    kinds = [statement.predicate_type]
    if statement.predicate_type == SLSA_PROVENANCE:
        try:
            step = step_of(statement)
        except InvalidBundleError:
            return ()
        if step is not None and step.is_training:
            kinds.append(TRAINING)
        if step is not None and step.is_conversion:
            kinds.append(CONVERSION)
    elif statement.predicate_type == VERIFICATION_SUMMARY:
        if SIGNED_LEVEL in _texts(statement.predicate.get("verifiedLevels")):
            kinds.append(SOURCE_SIGNATURE)
    elif statement.predicate_type == TEST_RESULT:
        kinds += _test_kinds(statement.predicate)
    return tuple(kinds)


def verdict_of(statement: Statement) -> Verdict:
    """What the statement says. Whatever a result is called that is not known is unfavourable."""
    predicate = statement.predicate
    if statement.predicate_type == TEST_RESULT:
        verdicts = {"PASSED": Verdict.FAVOURABLE, "WARNED": Verdict.WAIVED}
        result = predicate.get("result")
        return verdicts.get(result, Verdict.UNFAVOURABLE) if isinstance(result, str) else Verdict.UNFAVOURABLE
    if statement.predicate_type == VERIFICATION_SUMMARY:
        return Verdict.FAVOURABLE if predicate.get("verificationResult") == "PASSED" else Verdict.UNFAVOURABLE
    return Verdict.FAVOURABLE


def _of_claim(policy: Policy, root_sha256: str, checked: CheckedClaim) -> Iterator[TrustedStatement]:
    claim = checked.claim
    statement = claim.statement
    if {claim.sha256, hashlib.sha256(claim.bundle.payload).hexdigest()} & policy.revoked_digests:
        return
    about_this = root_sha256 in claim.subjects
    for kind in kinds_of(statement):
        if not about_this and kind not in (TRAINING, SOURCE_SIGNATURE):
            continue
        names = tuple(group.name for group in policy.groups_for_statement(kind))
        try:
            identity = verify_bundle(claim.data, StatementVerifier(policy, names)).identity
        except SignatureError:
            continue
        yield TrustedStatement(kind, statement, identity, verdict_of(statement))


def _test_kinds(predicate: Mapping[str, Any]) -> Iterator[str]:
    kind = predicate.get("cntkbridge_kind")
    if kind == "robustness":
        yield ROBUSTNESS
    if kind != "equivalence":
        return
    summary = predicate.get("cntkbridge_summary")
    devices = _texts(summary.get("devices")) if isinstance(summary, Mapping) else ()
    if any(device.split(":")[0] == "cpu" for device in devices):
        yield EQUIVALENCE_CPU
    if any(device.split(":")[0] in _GPU_DEVICES for device in devices):
        yield EQUIVALENCE_GPU


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
