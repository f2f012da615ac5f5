"""A source opened under a policy: verified, or, where the caller allows that explicitly, unsigned and recorded as such."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.sealed import SealedSource
from bridge.trust.alerts.raising import LOG
from bridge.trust.policy.evaluation import unsigned
from bridge.trust.policy.model import SOURCE, Policy
from bridge.trust.policy.rules import Decision
from bridge.trust.provenance.history import Evidence
from bridge.trust.small_files import StrPath
from bridge.trust.verified import VerifiedFile, signature_beside, verify_file


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """The bytes of a source, and the decision to use them. ``evidence`` is what it rests on, ``None`` if on nothing."""

    source: VerifiedFile | SealedSource
    decision: Decision
    evidence: Evidence | None

    @property
    def view(self) -> memoryview:
        """The whole file, read-only."""
        return self.source.view

    def sha256(self) -> str:
        """The SHA-256 of the file in hexadecimal."""
        return self.source.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.source.close()


def open_source(
    path: StrPath,
    policy: Policy,
    *,
    signature: StrPath | None = None,
    allow_unsigned: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> OpenedSource:
    """Verify a source, and open it; see ``verify_file`` for the errors.

    ``allow_unsigned`` admits a source without a signature, and any source where the policy names nobody who may sign one; a
    message is then logged. A signature that is there still has to hold if somebody could verify it.
    """
    shown = os.fspath(path)
    nobody = not policy.groups(SOURCE)
    if allow_unsigned and signature is None and (nobody or not os.path.lexists(signature_beside(path))):
        why = "nobody is configured who may sign it" if nobody else "it has no signature"
        LOG.info("unsigned: %s is used without proof of where it comes from, as was allowed: %s", ascii(shown), why)
        return OpenedSource(SealedSource(path, limits), unsigned(policy, SOURCE, shown), None)
    verified = verify_file(path, policy, signature=signature, limits=limits)
    return OpenedSource(verified, verified.decision, verified.evidence)


def source_metadata(decision: Decision | None) -> dict[str, str]:
    """What a converted model says of how its source was verified, as metadata of the file."""
    if decision is None or decision.identity is None:
        allowed = {"cntk_bridge.source.unsigned": "allowed explicitly"} if decision is not None else {}
        return {"cntk_bridge.source.verified": "false", **allowed}
    return {
        "cntk_bridge.source.verified": "true",
        "cntk_bridge.source.signer": decision.identity.name,
        "cntk_bridge.source.signer.sha256": decision.identity.fingerprint,
        "cntk_bridge.source.policy.sha256": decision.policy_sha256,
    }
