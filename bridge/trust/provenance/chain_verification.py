"""Builds the chain of an artefact from its claims, and checks every link of it. ``chain.py`` says what has to hold."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import ForgedSignatureError, InvalidBundleError, SignatureError
from bridge.trust.bundle import verify_bundle
from bridge.trust.provenance.chain import (
    DEPTH_AT_MOST,
    LINKS_AT_MOST,
    Artefact,
    Chain,
    Check,
    CheckedClaim,
    Signature,
    Status,
)
from bridge.trust.provenance.claims import Claim
from bridge.trust.provenance.step import Step, step_of
from bridge.trust.signers import Verifier

_SIGNATURE = "signature"
_INHERITED = "inherited claims"
_OWN = "own claims"
_SOURCE = "source"


def verify_chain(name: str, root_sha256: str, claims: Sequence[Claim], verifier: Verifier | None) -> Chain:
    """The chain of the artefact with OMS root digest ``root_sha256``, whose ``claims`` stand in the order of their file.

    Without a ``verifier`` every signature stays unknown. A signature by somebody whom the verifier does not trust is unknown too;
    one that names somebody who is trusted, and is not theirs, has failed. Faults are in the result, never raised.
    """
    signatures = {claim.sha256: _signature(claim, verifier) for claim in claims}
    walk = _Walk(claims, signatures)
    root = walk.artefact(name, root_sha256, len(claims), ())
    if not walk.speaks_of(root_sha256):
        walk.checks.append(Check("claims", Status.FAILED, "no claim speaks of this artefact: nothing says where it comes from"))
    others = walk.unreached()
    return Chain(root, tuple(walk.checks), others)


def _signature(claim: Claim, verifier: Verifier | None) -> Signature:
    if verifier is None:
        return Signature(Check(_SIGNATURE, Status.UNKNOWN, "not checked: no key or root certificate was given"))
    try:
        verified = verify_bundle(claim.data, verifier)
    except ForgedSignatureError as error:
        return Signature(Check(_SIGNATURE, Status.FAILED, f"forged or damaged: {error}"))
    except SignatureError as error:
        return Signature(Check(_SIGNATURE, Status.UNKNOWN, f"by nobody who is trusted: {error}"))
    return Signature(Check(_SIGNATURE, Status.VERIFIED, f"by {verified.identity.name}"), verified.identity)


class _Walk:
    """From the artefact in hand back to its sources. Each artefact's claims are looked at once."""

    def __init__(self, claims: Sequence[Claim], signatures: dict[str, Signature]) -> None:
        self.claims = claims
        self.signatures = signatures
        self.checks: list[Check] = []
        self._places = {claim.sha256: place for place, claim in enumerate(claims)}
        self._about = _by_subject(claims)
        self._steps = [self._step(claim) for claim in claims]
        self._links = 0
        self._seen: set[str] = set()
        self._reached: set[str] = set()

    def artefact(self, name: str, sha256: str, end: int, later: tuple[str, ...]) -> Artefact:
        """The artefact, as the claims before line ``end`` speak of it; ``later`` are those that were made from it."""
        if sha256 in later:
            self.checks.append(Check(_SOURCE, Status.FAILED, f"{name} ({sha256}) is said to come from itself"))
        elif len(later) >= DEPTH_AT_MOST:
            self.checks.append(Check(_SOURCE, Status.FAILED, f"the history is deeper than {DEPTH_AT_MOST} steps"))
        elif sha256 not in self._seen:
            self._seen.add(sha256)
            return Artefact(name, sha256, self._claims_of(sha256, end, (*later, sha256)))
        return Artefact(name, sha256, repeated=True)

    def speaks_of(self, sha256: str) -> bool:
        """Whether any claim is about the artefact."""
        return sha256 in self._about

    def unreached(self) -> tuple[CheckedClaim, ...]:
        """Claims that speak of nothing in the chain: each one is a fault."""
        return tuple(
            self._checked(claim, step, (Check(_OWN, Status.FAILED, "speaks of another artefact"),))
            for claim, step in zip(self.claims, self._steps, strict=True)
            if claim.sha256 not in self._reached
        )

    def _claims_of(self, sha256: str, end: int, path: tuple[str, ...]) -> tuple[CheckedClaim, ...]:
        own = [place for place in self._about.get(sha256, ()) if place < end]
        steps = [step for place in own if (step := self._steps[place]) is not None]
        start = max((len(step.inherited) for step in steps), default=0)
        listed = {self._places.get(resource.sha256 or "", -1) for step in steps for resource in step.accompanying}
        own += sorted(place for place in listed - set(own) if start <= place < end)
        self._reached.update(self.claims[place].sha256 for place in own)
        return tuple(self._followed(place, end, path) for place in own if self._counted())

    def _counted(self) -> bool:
        """Whether one more link may be followed. The fault is noted once, where the last one was."""
        self._links += 1
        if self._links == LINKS_AT_MOST + 1:
            self.checks.append(Check(_SOURCE, Status.FAILED, f"the history has more than {LINKS_AT_MOST} links"))
        return self._links <= LINKS_AT_MOST

    def _step(self, claim: Claim) -> Step | None:
        try:
            return step_of(claim.statement)
        except InvalidBundleError as error:
            self.checks.append(Check("form", Status.FAILED, f"line {claim.line}: {error}"))
            return None

    def _followed(self, place: int, end: int, path: tuple[str, ...]) -> CheckedClaim:
        claim, step = self.claims[place], self._steps[place]
        if step is None or not (step.sources or step.inherited or step.accompanying):
            return self._checked(claim, step, ())
        checks = [self._inheritance(claim, step, end), self._company(step, end)]
        sources = []
        for source in step.sources:
            if not self._counted():
                break
            if source.sha256 is None:
                checks.append(Check(_SOURCE, Status.FAILED, f"{source.name or source.uri} is named without its SHA-256"))
            else:
                sources.append(self.artefact(source.name, source.sha256, min(len(step.inherited), end), path))
        return self._checked(claim, step, tuple(checks), tuple(sources))

    def _inheritance(self, claim: Claim, step: Step, end: int) -> Check:
        """Rule 2: what the step inherited stands in front, as it was."""
        expected = [resource.sha256 for resource in step.inherited]
        missing = [index for index, digest in enumerate(expected, 1) if digest not in self._places]
        if missing:
            found = f"{len(missing)} of {len(expected)} listed are missing, the first is number {missing[0]}"
            return Check(_INHERITED, Status.FAILED, found)
        in_front = [earlier.sha256 for earlier in self.claims[: min(len(expected), end)]]
        if claim.sha256 in in_front:
            return Check(_INHERITED, Status.FAILED, "the claim that lists them stands among them")
        if in_front != expected:
            found = f"all {len(expected)} listed are there, but not in front or in another order"
            return Check(_INHERITED, Status.FAILED, found)
        return Check(_INHERITED, Status.VERIFIED, f"{len(expected)} listed, all in front and in order")

    def _company(self, step: Step, end: int) -> Check:
        """The claims that were made together with the step are still together."""
        inherited = {resource.sha256 for resource in step.inherited}
        missing = [
            resource.name or str(resource.sha256)
            for resource in step.accompanying
            if resource.sha256 in inherited or self._places.get(resource.sha256 or "", end) >= end
        ]
        if missing:
            return Check(
                _OWN, Status.FAILED, f"{len(missing)} of {len(step.accompanying)} listed are missing: {', '.join(missing[:5])}"
            )
        return Check(_OWN, Status.VERIFIED, f"{len(step.accompanying)} listed, all there")

    def _checked(
        self, claim: Claim, step: Step | None, checks: tuple[Check, ...], sources: tuple[Artefact, ...] = ()
    ) -> CheckedClaim:
        signature = self.signatures[claim.sha256]
        return CheckedClaim(claim, signature.check, signature.identity, step, checks, sources)


def _by_subject(claims: Sequence[Claim]) -> dict[str, list[int]]:
    """The places of the claims that speak of each artefact."""
    about: dict[str, list[int]] = {}
    for place, claim in enumerate(claims):
        for sha256 in claim.subjects:
            about.setdefault(sha256, []).append(place)
    return about
