"""X.509 certificates: signing with one, and trusting whom a set of roots has certified. ``certificate_path`` has the rules."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from bridge.errors import InvalidBundleError, InvalidKeyError, SignatureError
from bridge.trust.certificate_path import called, check_time, find_path, signing_key
from bridge.trust.keys import check_named_signature, public_pem
from bridge.trust.revocation import RevocationList, check_revocation, load_revocation_list
from bridge.trust.signers import Identity, Signer, VerificationMaterial
from bridge.trust.small_files import StrPath, read_small_file

_FILE_BYTES = 1 << 20


class CertificateSigner:
    """A signer that shows certificates for its key: its own first, then those up to the root, which may be left out."""

    def __init__(self, signer: Signer, chain: Sequence[x509.Certificate]) -> None:
        if not chain:
            raise InvalidKeyError("no certificates: give the signer's own first")
        self._signer = signer
        self._chain = tuple(chain)
        leaf = self._chain[0]
        try:
            certified = public_pem(signing_key(leaf))
            check_time(leaf, datetime.now(UTC))
        except SignatureError as error:
            raise InvalidKeyError(f"cannot sign with this certificate: {error}") from error
        if certified != signer.public_key_pem():
            raise InvalidKeyError(
                f"{called(leaf)} is for another key than {signer.identity}; the signer's own certificate has to come first"
            )

    @property
    def identity(self) -> str:
        """The certificate's subject, or its first alternative name."""
        return identity_of(self._chain[0]).name

    def sign(self, message: bytes) -> bytes:
        """The ECDSA signature in DER."""
        return self._signer.sign(message)

    def public_key_pem(self) -> bytes:
        """The public half, as SubjectPublicKeyInfo in PEM."""
        return self._signer.public_key_pem()

    def verification_material(self) -> dict[str, Any]:
        """The chain, leaf first, in DER."""
        certificates = [
            {"rawBytes": base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()}
            for certificate in self._chain
        ]
        return {"x509CertificateChain": {"certificates": certificates}, "tlogEntries": []}


class TrustedRoots:
    """Trusts whoever has a certificate that leads to one of ``roots`` and held at ``at``: the present, unless a time is given.

    With revocation lists, the signer's certificate has to be covered by one of them.
    """

    def __init__(
        self, roots: Sequence[x509.Certificate], *, revocation_lists: Sequence[RevocationList] = (), at: datetime | None = None
    ) -> None:
        if not roots:
            raise InvalidKeyError("no root certificates, so that nobody is trusted")
        if at is not None and at.tzinfo is None:
            raise InvalidKeyError("a time without a time zone")
        self._roots = tuple(roots)
        self._lists = tuple(revocation_lists)
        self._at = at

    def verify(self, material: VerificationMaterial, message: bytes, signature: bytes) -> Identity:
        """The identity that the signer's certificate states. Raises ``SignatureError`` if any link of the chain does not hold."""
        if not material.certificates:
            raise SignatureError("signed with a bare key, where a certificate under the trusted roots is expected")
        chain = [_parsed(der, f"certificate {number}") for number, der in enumerate(material.certificates)]
        path = find_path(chain[0], chain[1:], self._roots, self._at or datetime.now(UTC))
        if self._lists:
            check_revocation(path, self._lists, trusted_time=self._at, now=datetime.now(UTC))
        check_named_signature(signing_key(path[0]), signature, message, whose=called(path[0]))
        return identity_of(path[0])


def load_trusted_roots(
    roots: Sequence[StrPath], *, revocation_lists: Sequence[StrPath] = (), at: datetime | None = None
) -> TrustedRoots:
    """The verifier that trusts the certificates in these PEM files. Lists may be in PEM or DER.

    Raises ``InvalidKeyError`` for files that hold something else, ``InvalidOptionError`` if there is no such file.
    """
    certificates = [certificate for path in roots for certificate in load_certificates(path)]
    return TrustedRoots(certificates, revocation_lists=[load_revocation_list(path) for path in revocation_lists], at=at)


def load_certificates(path: StrPath) -> list[x509.Certificate]:
    """The certificates in a PEM file. Raises ``InvalidKeyError``."""
    data = read_small_file(path, what="certificate file", most=_FILE_BYTES)
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise InvalidKeyError(f"'{path}': no certificates in PEM: {error}") from error


def identity_of(certificate: x509.Certificate) -> Identity:
    """Whom a certificate is for."""
    names = tuple(_alternative_names(certificate))
    subject = certificate.subject.rfc4514_string()
    digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    name = subject or (names[0] if names else f"certificate sha256:{digest}")
    return Identity("certificate", name, digest, certificate.not_valid_after_utc, names)


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    kinds = {x509.RFC822Name: "email", x509.UniformResourceIdentifier: "uri", x509.DNSName: "dns"}
    return [f"{kinds[type(name)]}:{name.value}" for name in extension.value if type(name) in kinds]


def _parsed(der: bytes, field: str) -> x509.Certificate:
    where = f"verificationMaterial.x509CertificateChain, {field}"
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Parsed when they are first looked at, which must not be where an error means something else.
        _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.not_valid_after_utc
        _alternative_names(certificate)
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension) as error:
        raise InvalidBundleError("no certificate in DER", field=where) from error
    if certificate.public_bytes(serialization.Encoding.DER) != der:
        raise InvalidBundleError("a certificate with bytes behind it", field=where)
    return certificate
