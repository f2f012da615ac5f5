"""The rules of a policy by name, and what applying them gave."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bridge.errors import PolicyError
from bridge.trust.signers import Identity
from bridge.trust.versions_seen import ROLLBACK

SIGNERS: Final = "signers"
SIGNATURE: Final = "signature"
ROLE: Final = "role"
REVOKED_KEY: Final = "revoked-key"
REVOKED_DIGEST: Final = "revoked-digest"
INTEGRITY: Final = "integrity"
CLAIMS: Final = "claims"
REQUIRED_STATEMENTS: Final = "required-statements"
LOG: Final = "log"
MAXIMUM_AGE: Final = "maximum-age"
MINIMUM_VERSION: Final = "minimum-version"
LIBRARIES: Final = "libraries"
SANDBOX: Final = "sandbox"
GUARDS: Final = "guards"

RULES: Final[Mapping[str, str]] = {
    SIGNERS: "somebody is configured who may sign this",
    SIGNATURE: "there is a signature, of sound form, by a signer of the policy",
    ROLE: "that signer may sign things of this kind: sources or packages",
    REVOKED_KEY: "the signer's key or certificate is not revoked",
    INTEGRITY: "every file is as it was signed; none is missing, none was added",
    REVOKED_DIGEST: "neither the model nor its signature nor any of its files is revoked",
    CLAIMS: "the claims are whole, in order and about this model: none was taken away, altered or brought in",
    REQUIRED_STATEMENTS: "every required statement is there, by somebody who may make it, and favourable",
    LOG: "the signature and every claim of a package are in a transparency log that the policy trusts",
    MAXIMUM_AGE: "a trusted statement tells that the model was made or tested recently enough, and not in the future",
    MINIMUM_VERSION: "the version is stated where it has to be, and is not below the minimum",
    ROLLBACK: "the version is not below the highest one that was accepted here before",
}
"""Every rule about a model with what it asks for, in the order in which they are applied."""

RUNTIME_RULES: Final[Mapping[str, str]] = {
    LIBRARIES: "the libraries that compute are those of a lock that somebody trusted has signed",
    SANDBOX: "the model runs in a sandbox of at least this level",
    GUARDS: "the model stands behind input guards of these kinds, or of a file that is listed",
}
"""The rules about the machine that a package is loaded on, in the order in which they are applied there."""


class Outcome(enum.Enum):
    """What became of a rule. One that asks for nothing here is not applied, as is every rule behind a failed signature."""

    PASSED = "passed"
    REFUSED = "refused"
    NOT_APPLIED = "not applied"


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule, and what was found, in a sentence."""

    rule: str
    outcome: Outcome
    detail: str

    def to_json(self) -> dict[str, str]:
        """The outcome for machines."""
        return {"rule": self.rule, "outcome": self.outcome.value, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a policy accepts something, and why.

    ``subject`` is the path that was asked about, ``role`` "source" or "package". ``root_digest``, ``identity`` and ``signer``
    (the group's name) are there once the signature holds; ``model`` and ``version`` where a trusted statement gives them.
    ``unsigned`` is true where there was no signature, and the caller allowed that.
    """

    policy: str
    policy_sha256: str
    role: str
    subject: str
    time: datetime
    outcomes: tuple[RuleOutcome, ...]
    root_digest: str = ""
    identity: Identity | None = None
    signer: str = ""
    model: str = ""
    version: str = ""
    unsigned: bool = False

    @property
    def refusals(self) -> tuple[RuleOutcome, ...]:
        """The rules that refuse, the first applied first."""
        return tuple(outcome for outcome in self.outcomes if outcome.outcome is Outcome.REFUSED)

    @property
    def accepted(self) -> bool:
        """Whether no rule refuses."""
        return not self.refusals

    def raise_if_refused(self) -> None:
        """Raise ``PolicyError`` with the name of the first rule that refuses, and with the others in its sentence."""
        if self.accepted:
            return
        first, *others = self.refusals
        also = "".join(f"; {other.rule} refuses too: {other.detail}" for other in others)
        raise PolicyError(first.rule, f"{self.subject}: {first.detail}{also}")

    def to_json(self) -> dict[str, Any]:
        """The decision for machines."""
        return {
            "accepted": self.accepted,
            "subject": self.subject,
            "role": self.role,
            "policy": {"name": self.policy, "sha256": self.policy_sha256},
            "time": self.time.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "unsigned": self.unsigned,
            "root_digest": self.root_digest,
            "signer": self.signer,
            "identity": self.identity.to_json() if self.identity is not None else None,
            "model": self.model,
            "version": self.version,
            "rules": [outcome.to_json() for outcome in self.outcomes],
        }
