"""A package that is what somebody trusted has signed, with the history that its claims tell."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import IntegrityError, InvalidPackageError, SignatureError
from bridge.package.contents import CLAIMS, INTERFACE, SIGNATURE
from bridge.package.interface import INTERFACE_BYTES_AT_MOST, Interface, read_interface
from bridge.trust.hashing import Take
from bridge.trust.model_signature import VerifiedModel, verify_model
from bridge.trust.provenance.chain import Chain, Status
from bridge.trust.provenance.chain_verification import verify_chain
from bridge.trust.provenance.claims import CLAIMS_BYTES_AT_MOST, read_claims
from bridge.trust.provenance.history import SIGNATURE_BYTES_AT_MOST
from bridge.trust.signers import Verifier
from bridge.trust.small_files import StrPath
from bridge.trust.tree import OpenedFile, OpenedRoot


@dataclass(frozen=True, slots=True)
class VerifiedPackage:
    """``model`` are the verified files, ``interface`` how they want to be called, ``chain`` where they come from.

    The chain holds, and what it says of the package itself was signed by somebody who is trusted. Its inherited claims may be by
    others: ``chain.verified`` tells.
    """

    model: VerifiedModel
    interface: Interface
    chain: Chain


def verify_package(path: StrPath, verifier: Verifier, *, take: Take | None = None) -> VerifiedPackage:
    """Verify files, signature, interface and claims of the package at ``path``, each read once.

    ``take`` gets every signed file as it is opened, to keep the bytes that are verified; see ``verify_model``. Raises
    ``SignatureError``, ``IntegrityError``, ``InvalidBundleError`` and ``UnsafePathError`` for what is not as it was signed, and
    ``InvalidPackageError`` for a folder that is no package.
    """
    kept: dict[str, bytes] = {}

    def keep_interface(file: OpenedFile) -> memoryview | None:
        taken = take(file) if take is not None else None
        if file.name != INTERFACE:
            return taken
        octets = taken if taken is not None else _read(file)
        kept[INTERFACE] = bytes(octets)
        return memoryview(kept[INTERFACE])

    with OpenedRoot(path) as root:
        signature = root.read_file(SIGNATURE, SIGNATURE_BYTES_AT_MOST)
        claims = root.read_file(CLAIMS, CLAIMS_BYTES_AT_MOST)
        if signature is None or claims is None:
            missing = SIGNATURE if signature is None else CLAIMS
            raise InvalidPackageError(f"{root.path} is no signed package: there is no {missing}")
        model = verify_model(root, signature, verifier, take=keep_interface)
        name = root.name
    if INTERFACE not in kept:
        raise InvalidPackageError(f"{path} is no package: its signature lists no {INTERFACE}")
    chain = verify_chain(name, model.root_digest, read_claims(claims), verifier)
    _refuse_broken(str(path), chain)
    interface = read_interface(kept[INTERFACE])
    unlisted = sorted(set(interface.model_files) - {file.name for file in model.files})
    if unlisted:
        raise InvalidPackageError(f"{INTERFACE} names {unlisted[0]!r}, which the signature does not list")
    return VerifiedPackage(model, interface, chain)


def _refuse_broken(path: str, chain: Chain) -> None:
    if chain.failures:
        first = chain.failures[0]
        raise IntegrityError(f"{path}: {CLAIMS}", expected="a whole chain", computed=f"{first.what}: {first.detail}")
    for claim in chain.root.claims:
        if claim.signature.status is not Status.VERIFIED:
            raise SignatureError(f"{path}: the claim on line {claim.claim.line} about the package is {claim.signature.detail}")
    if not any(claim.step is not None for claim in chain.root.claims):
        raise IntegrityError(f"{path}: {CLAIMS}", expected="a claim that says how the package was made", computed="none")


def _read(file: OpenedFile) -> bytes:
    if file.size > INTERFACE_BYTES_AT_MOST:
        raise InvalidPackageError(f"{INTERFACE} has {file.size} bytes; expected at most {INTERFACE_BYTES_AT_MOST}")
    octets = bytearray(file.size)
    view, offset = memoryview(octets), 0
    while offset < file.size:
        offset += file.read_at(offset, view[offset:])
    return bytes(octets)
