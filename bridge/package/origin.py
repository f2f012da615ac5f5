"""The source of a package: its digest, and the claims about it that are handed on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bridge.errors import IntegrityError
from bridge.trust.digests import FileDigest, root_digest
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import Claim, on_one_line, read_claim, read_claims
from bridge.trust.provenance.conversion import Origin
from bridge.trust.provenance.history import Evidence
from bridge.trust.resource_names import SINGLE_FILE


def origin_of(source: Path, sha256: str, evidence: Evidence, *, root_sha256: str = "") -> Origin:
    """The file ``source``, whose bytes have the SHA-256 ``sha256``, with the claims that lie beside it: the signature last.

    ``root_sha256`` is the root digest of a signature that was verified: one over other digests than SHA-256 has another.
    Raises ``IntegrityError`` where signature or claims speak of another file, or do not make a whole chain, and
    ``InvalidBundleError`` where they are not in their form. Whose they are is not asked here.
    """
    root = root_sha256 or root_digest([FileDigest(SINGLE_FILE, "sha256", sha256)])
    inherited = _inherited(evidence)
    if inherited:
        chain = verify_chain(source.name, root, inherited, None)
        if chain.failures:
            raise IntegrityError(
                f"the claims about {source}",
                expected=f"a whole chain that speaks of the root digest {root}",
                computed="; ".join(f"{check.what}: {check.detail}" for check in chain.failures[:3]),
                advice="sign the source again, or take its .sig and .claims.jsonl away and convert it as unsigned",
            )
    return Origin(source.name, sha256, root, inherited)


def _inherited(evidence: Evidence) -> tuple[Claim, ...]:
    claims = read_claims(evidence.claims) if evidence.claims is not None else ()
    if evidence.signature is None:
        return claims
    line = on_one_line(evidence.signature)
    # A signature that is among the claims already is not handed on twice.
    if hashlib.sha256(line).hexdigest() in {claim.sha256 for claim in claims}:
        return claims
    return (*claims, read_claim(line, len(claims) + 1, what="the signature"))
