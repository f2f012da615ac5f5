"""A history for machines."""

from __future__ import annotations

from typing import Any

from bridge.trust.provenance.chain import Artefact, Check, CheckedClaim
from bridge.trust.provenance.facts import facts_of, title_of
from bridge.trust.provenance.history import History


def history_json(history: History) -> dict[str, Any]:
    """The artefact, its chain, and the verdict, in JSON's types."""
    chain = history.chain
    return {
        "name": history.name,
        "root_digest": history.root_sha256,
        "holds": chain.holds,
        "verified": chain.verified,
        "failures": [_check(check) for check in chain.failures],
        "checks": [_check(check) for check in chain.checks],
        "files": [{"name": file.name, "algorithm": file.algorithm, "digest": file.digest} for file in history.files],
        "chain": _artefact(chain.root),
        "claims_that_lead_nowhere": [_claim(claim) for claim in chain.others],
    }


def _artefact(artefact: Artefact) -> dict[str, Any]:
    return {
        "name": artefact.name,
        "sha256": artefact.sha256,
        "repeated": artefact.repeated,
        "claims": [_claim(claim) for claim in artefact.claims],
    }


def _claim(claim: CheckedClaim) -> dict[str, Any]:
    statement = claim.claim.statement
    return {
        "line": claim.claim.line,
        "title": title_of(claim),
        "predicate_type": statement.predicate_type,
        "bundle_sha256": claim.claim.sha256,
        "signature": _check(claim.signature),
        "signer": claim.identity.to_json() if claim.identity is not None else None,
        "facts": [{"name": name, "fact": fact} for name, fact in facts_of(claim)],
        "checks": [_check(check) for check in claim.checks],
        "sources": [_artefact(source) for source in claim.sources],
        "statement": statement.to_json(),
    }


def _check(check: Check) -> dict[str, str]:
    return {"what": check.what, "status": check.status.value, "detail": check.detail}
