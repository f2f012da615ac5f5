"""A certification authority for tests: roots, intermediates and signers with any fault that a test asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extensions = Sequence[tuple[x509.ExtensionType, bool]]


@dataclass(frozen=True)
class Holder:
    """A key with the certificate for it."""

    key: Key
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def ec_key(self) -> ec.EllipticCurvePrivateKey:
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        return self.key

    def write_key(self, path: Path) -> Path:
        path.write_bytes(
            self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        path.chmod(0o600)
        return path


def usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    ).split()
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


AUTHORITY: Extensions = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (usage(key_cert_sign=True, crl_sign=True), True),
)
SIGNER: Extensions = (
    (usage(digital_signature=True), True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
)


def certify(
    name: str,
    *,
    by: Holder | None = None,
    extensions: Extensions = SIGNER,
    key: Key | None = None,
    start: datetime = NOW - DAY,
    end: datetime = NOW + 30 * DAY,
) -> Holder:
    """A new certificate for ``name``, signed by another holder, or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Holder(key, builder.sign(by.key if by else key, hashes.SHA256()))


def revocation_list(
    issuer: Holder,
    *revoked: x509.Certificate,
    since: datetime = NOW - DAY / 2,
    reason: x509.ReasonFlags | None = None,
    issued: datetime = NOW - DAY / 4,
    until: datetime = NOW + DAY,
    extensions: Extensions = (),
) -> x509.CertificateRevocationList:
    """A list by ``issuer``, in force from ``issued`` to ``until``."""
    name = issuer.certificate.subject
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(issued).next_update(until)
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(since)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, hashes.SHA256())
