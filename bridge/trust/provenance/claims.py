"""``claims.jsonl``: one Sigstore bundle per line, the inherited ones first and unchanged, then ours.

The file as a whole is signed by nobody: lines can be taken away, repeated, put in another order or brought in from elsewhere.
That is found by comparing with what the statements themselves list; see ``chain.py``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors import InvalidBundleError
from bridge.trust.bundle import Bundle, read_bundle
from bridge.trust.statement import Statement
from bridge.trust.strict_json import parse

CLAIMS_BYTES_AT_MOST = 64 << 20
CLAIMS_AT_MOST = 1_000
CLAIM_BYTES_AT_MOST = 16 << 20


@dataclass(frozen=True, slots=True)
class Claim:
    """One line: ``data`` as it stands there, without the line end. Nothing of it is verified."""

    line: int
    data: bytes
    bundle: Bundle
    statement: Statement

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bundle's bytes, by which other statements refer to it."""
        return self.bundle.sha256

    @property
    def subjects(self) -> frozenset[str]:
        """The SHA-256 digests of what the claim speaks of."""
        return frozenset(subject.digest["sha256"] for subject in self.statement.subject if "sha256" in subject.digest)


def read_claims(data: bytes, *, what: str = "claims.jsonl") -> tuple[Claim, ...]:
    """The claims in order. Raises ``InvalidBundleError`` with the line at fault: no bundle, no statement, twice the same."""
    if len(data) > CLAIMS_BYTES_AT_MOST:
        raise InvalidBundleError(f"{what} has {len(data)} bytes", expected=f"at most {CLAIMS_BYTES_AT_MOST}")
    if data and not data.endswith(b"\n"):
        raise InvalidBundleError(f"{what} does not end with the end of a line: it was cut short, or added to")
    lines = data.split(b"\n")[:-1]
    if len(lines) > CLAIMS_AT_MOST:
        raise InvalidBundleError(f"{what} has {len(lines)} lines", expected=f"at most {CLAIMS_AT_MOST}")
    claims = tuple(read_claim(line, number, what=what) for number, line in enumerate(lines, 1))
    seen: dict[str, int] = {}
    for claim in claims:
        if claim.sha256 in seen:
            raise InvalidBundleError(f"line {claim.line} of {what} repeats line {seen[claim.sha256]}")
        seen[claim.sha256] = claim.line
    return claims


def read_claim(data: bytes, line: int = 1, *, what: str = "claims.jsonl") -> Claim:
    """One bundle with its statement; ``InvalidBundleError`` names line and member."""
    if len(data) > CLAIM_BYTES_AT_MOST:
        raise InvalidBundleError(f"line {line} of {what} has {len(data)} bytes", expected=f"at most {CLAIM_BYTES_AT_MOST}")
    try:
        bundle = read_bundle(data)
        statement = Statement.from_bytes(bundle.payload)
    except InvalidBundleError as error:
        raise InvalidBundleError(f"line {line} of {what}: {error}", field=error.field) from error
    return Claim(line, data, bundle, statement)


def claims_file(bundles: Sequence[bytes]) -> bytes:
    """The bytes of a ``claims.jsonl`` that holds ``bundles`` as they are. Each has to be on one line; see ``on_one_line``."""
    assert not any(b"\n" in bundle for bundle in bundles)
    return b"".join(bundle + b"\n" for bundle in bundles)


def on_one_line(bundle: bytes) -> bytes:
    """A bundle from a file of its own as a line: unchanged but for blanks at its ends.

    A bundle that somebody laid out over several lines is written compactly. What is signed is the payload, which stays as it is.
    """
    stripped = bundle.strip(b" \t\r\n")
    if b"\n" not in stripped and b"\r" not in stripped:
        return stripped
    return json.dumps(parse(stripped, what="the bundle"), separators=(",", ":"), ensure_ascii=False).encode()
