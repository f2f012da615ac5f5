"""The history of a model or package as it lies on disk: its files, its signature and its claims, each read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.errors import IntegrityError, SourceChangedError
from bridge.trust.bundle import read_bundle
from bridge.trust.digests import FileDigest, root_digest
from bridge.trust.hashing import hash_tree
from bridge.trust.manifest import read_manifest
from bridge.trust.model_signature import verify_model
from bridge.trust.provenance.chain import Chain, Check, CheckedClaim, Status
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import CLAIMS_BYTES_AT_MOST, Claim, on_one_line, read_claim, read_claims
from bridge.trust.resource_names import LOG_PROOFS
from bridge.trust.signers import Identity, VerificationMaterial, Verifier
from bridge.trust.small_files import StrPath, read_small_file
from bridge.trust.statement import Statement
from bridge.trust.tree import OpenedRoot

SIGNATURE_NAME = "model.sig"
CLAIMS_NAME = "claims.jsonl"
SIGNATURE_SUFFIX = ".sig"
CLAIMS_SUFFIX = ".claims.jsonl"
INTERFACE_NAME = "interface.json"
"""What every package holds, and no other model."""
SIGNATURE_BYTES_AT_MOST = 64 << 20
LOG_PROOFS_BYTES_AT_MOST = 16 << 20


@dataclass(frozen=True, slots=True)
class History:
    """``files`` are the artefact's own, with their digests as they are now; ``chain`` is where it comes from.

    ``root_sha256`` is the root digest of the files, or where they are not as they were signed, that which was signed.
    """

    name: str
    root_sha256: str
    files: tuple[FileDigest, ...]
    chain: Chain


@dataclass(frozen=True, slots=True)
class Evidence:
    """What lies beside a model, as bytes, where it is there: its signature, its claims, and a package's proofs from a log."""

    signature: bytes | None
    claims: bytes | None
    log_proofs: bytes | None = None

    def all_claims(self) -> tuple[Claim, ...]:
        """The claims of the file in order, and the signature, which is one too, behind them. Raises ``InvalidBundleError``."""
        claims = read_claims(self.claims) if self.claims is not None else ()
        if self.signature is None:
            return claims
        return (*claims, replace(read_claim(on_one_line(self.signature), what="the signature"), line=0))


def read_evidence(root: OpenedRoot) -> Evidence:
    """The signature and the claims of an opened model: inside a folder, beside a single file.

    Raises ``UnsafePathError`` and ``InvalidOptionError`` for files that are none, or too long.
    """
    if root.is_folder:
        return Evidence(
            root.read_file(SIGNATURE_NAME, SIGNATURE_BYTES_AT_MOST),
            root.read_file(CLAIMS_NAME, CLAIMS_BYTES_AT_MOST),
            root.read_file(LOG_PROOFS, LOG_PROOFS_BYTES_AT_MOST),
        )
    return evidence_beside(root.path)


def evidence_beside(file: StrPath) -> Evidence:
    """The signature and the claims of a model that is a single file."""
    path = Path(file)
    return Evidence(
        _beside(path, SIGNATURE_SUFFIX, "signature", SIGNATURE_BYTES_AT_MOST),
        _beside(path, CLAIMS_SUFFIX, "claims", CLAIMS_BYTES_AT_MOST),
    )


def read_history(path: StrPath, verifier: Verifier | None, *, allow_hard_links: bool = False) -> History:
    """Hash the model or package at ``path``, hold it against its signature, and verify the chain of its claims.

    What is wrong with files, signatures and links is in the result. Raises ``InvalidBundleError`` where signature or claims are
    not in their form, ``UnsafePathError`` and ``InvalidOptionError`` for what cannot be read.
    """
    with OpenedRoot(path, allow_hard_links=allow_hard_links) as root:
        evidence = read_evidence(root)
        claims = evidence.all_claims()
        files, sha256, check = _files(root, evidence.signature)
        name = root.name
    chain = verify_chain(name, sha256, claims, verifier)
    checks = (check, *_origin_checks(chain, files), *_report_checks(chain, sha256, files))
    return History(name, sha256, files, replace(chain, checks=(*checks, *chain.checks)))


def _beside(path: Path, suffix: str, what: str, most: int) -> bytes | None:
    place = path.with_name(path.name + suffix)
    return read_small_file(place, what=what, most=most) if place.exists() or place.is_symlink() else None


def _files(root: OpenedRoot, signature: bytes | None) -> tuple[tuple[FileDigest, ...], str, Check]:
    """The files as they are, the root digest, and whether they are those of the signature."""
    if signature is None:
        files = hash_tree(root)
        return files, root_digest(files), Check("files", Status.UNKNOWN, "there is no signature to hold them against")
    try:
        verified = verify_model(root, signature, _Anybody())
    except (IntegrityError, SourceChangedError) as error:
        # The claims are about what was signed, so that is what they are held against; the files are not that.
        signed = read_manifest(Statement.from_bytes(read_bundle(signature).payload)).root_digest
        return hash_tree(root), signed, Check("files", Status.FAILED, str(error))
    count = len(verified.files)
    return verified.files, verified.root_digest, Check("files", Status.VERIFIED, f"{count} as the signature lists them")


class _Anybody:
    """Accepts every signature, to hold files against what it lists. Who signed is the chain's question, and is asked there."""

    def verify(self, material: VerificationMaterial, message: bytes, signature: bytes) -> Identity:
        del material, message, signature
        return Identity("key", "nobody in particular", "")


def _origin_checks(chain: Chain, files: Sequence[FileDigest]) -> tuple[Check, ...]:
    """Whether anything says how the artefact came to be. Packages are never made without such a claim."""
    if any(claim.step is not None for claim in chain.root.claims):
        return ()
    if any(file.name == INTERFACE_NAME for file in files):
        return (Check("origin", Status.FAILED, "the claim that says how this package was made is missing: it was taken away"),)
    return (Check("origin", Status.UNKNOWN, "no claim says how it was made"),)


def _report_checks(chain: Chain, sha256: str, files: Sequence[FileDigest]) -> tuple[Check, ...]:
    """The reports that the artefact's own steps list, beside the files that are there."""
    digests = {file.name: file.digest for file in files if file.algorithm == "sha256"}
    checks = []
    for claim in chain.root.claims:
        for report in _reports(claim) if sha256 in claim.claim.subjects else ():
            if digests.get(report[0]) == report[1]:
                checks.append(
                    Check("report", Status.VERIFIED, f"{report[0]} is the one that the claim on line {claim.claim.line} lists")
                )
            else:
                checks.append(Check("report", Status.FAILED, f"{report[0]} is missing or not the one that the claim lists"))
    return tuple(checks)


def _reports(claim: CheckedClaim) -> list[tuple[str, str]]:
    return [(report.name, report.sha256 or "") for report in claim.step.reports] if claim.step is not None else []
