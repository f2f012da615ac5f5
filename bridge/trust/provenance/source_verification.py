"""That the source's signature was verified before it was converted: for those who have neither source nor its signer's key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from bridge.trust.provenance.authorship import timestamp
from bridge.trust.provenance.conversion import Origin
from bridge.trust.provenance.predicates import BUNDLE_MEDIA_TYPE, CONVERTER, VERIFICATION_SUMMARY
from bridge.trust.provenance.resource import Resource
from bridge.trust.signers import Identity
from bridge.trust.statement import Statement, Subject
from bridge.version import __version__

SIGNED_LEVEL = "CNTKBRIDGE_SOURCE_SIGNATURE"
"""The verified property: the source was signed by ``cntkbridge_signer``. SLSA lets verifiers name properties of their own."""


@dataclass(frozen=True, slots=True)
class SourceVerification:
    """``identity`` signed the source, as was checked at ``verified_at`` under the policy with this name and SHA-256."""

    identity: Identity
    verified_at: datetime
    policy: str
    policy_sha256: str
    input_attestations: Sequence[str] = ()  # SHA-256 of the bundles that were looked at


def verification_statement(origin: Origin, verification: SourceVerification) -> Statement:
    """The SLSA verification summary about the source of a conversion."""
    policy = Resource(
        uri=f"urn:cntk-bridge:policy:{quote(verification.policy, safe='')}", digest={"sha256": verification.policy_sha256}
    )
    return Statement(
        subject=(Subject(origin.name, {"sha256": origin.root_sha256}),),
        predicate_type=VERIFICATION_SUMMARY,
        predicate={
            "verifier": {"id": CONVERTER, "version": {"cntk-bridge": __version__}},
            "timeVerified": timestamp(verification.verified_at),
            "resourceUri": f"urn:sha256:{origin.root_sha256}",
            "policy": policy.to_json(),
            "inputAttestations": [
                Resource(digest={"sha256": digest}, media_type=BUNDLE_MEDIA_TYPE).to_json()
                for digest in verification.input_attestations
            ],
            "verificationResult": "PASSED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED", SIGNED_LEVEL],
            "slsaVersion": "1.2",
            "cntkbridge_signer": verification.identity.to_json(),
        },
    )
