"""The history of an artefact, link by link: what was said of it, by whom, and what it was made from; as data.

A chain holds when

1. every claim speaks of an artefact in it: the one in hand, or one that a claim about a later artefact names as its source;
2. where a step lists the claims that it inherited, these stand in front, all of them, in that order and to the byte;
3. whatever stands between those and the end of the step's own claims speaks of what the step made, or is listed by the step;
4. no artefact comes from itself, and no history is deeper than ``DEPTH_AT_MOST`` or has more than ``LINKS_AT_MOST``.

Nothing is fetched, and no clock but the verifier's is asked. Who signed is a question apart: each claim carries the answer.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bridge.trust.provenance.claims import Claim
from bridge.trust.provenance.step import Step
from bridge.trust.signers import Identity

DEPTH_AT_MOST = 16

LINKS_AT_MOST = 2_000
"""Claims and sources together: twice as many as a file has claims. One claim can list ten thousand sources, each with claims."""


class Status(enum.Enum):
    """How a check ended. What could not be checked is not verified."""

    VERIFIED = "verified"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: ``what`` names it, ``detail`` says what was found."""

    what: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim, whose signature it bears, and what it leads to.

    ``identity`` is the signer's where the signature is verified. ``step`` is there where the claim says how the artefact was
    made, ``sources`` are the artefacts it was made from.
    """

    claim: Claim
    signature: Check
    identity: Identity | None = None
    step: Step | None = None
    checks: tuple[Check, ...] = ()
    sources: tuple[Artefact, ...] = ()


@dataclass(frozen=True, slots=True)
class Artefact:
    """Something that claims speak of, by its OMS root digest. ``repeated``: its claims stand elsewhere in the tree."""

    name: str
    sha256: str
    claims: tuple[CheckedClaim, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """The tree of an artefact's history. ``checks`` are those that concern no single claim."""

    root: Artefact
    checks: tuple[Check, ...] = ()
    others: tuple[CheckedClaim, ...] = field(default=())  # claims that lead nowhere

    def all_claims(self) -> Iterator[CheckedClaim]:
        """Every claim once, the artefact's own first."""
        pending = [self.root]
        while pending:
            artefact = pending.pop(0)
            yield from artefact.claims
            pending += [source for claim in artefact.claims for source in claim.sources]
        yield from self.others

    def all_checks(self) -> Iterator[Check]:
        """Every check that was made, signatures included."""
        yield from self.checks
        for claim in self.all_claims():
            yield claim.signature
            yield from claim.checks

    @property
    def failures(self) -> tuple[Check, ...]:
        """What is wrong. A chain with any is not to be believed, whoever signed the rest of it."""
        return tuple(check for check in self.all_checks() if check.status is Status.FAILED)

    @property
    def holds(self) -> bool:
        """Whether every link leads where it says it does. Says nothing of who signed."""
        return not self.failures

    @property
    def verified(self) -> bool:
        """Whether the chain holds and every claim in it was signed by somebody who is trusted."""
        return self.holds and all(claim.signature.status is Status.VERIFIED for claim in self.all_claims())


@dataclass(frozen=True, slots=True)
class Signature:
    """What came of checking one claim's signature."""

    check: Check
    identity: Identity | None = None


SignaturesByDigest = Mapping[str, Signature]
