"""Certificate revocation lists: what an authority has taken back.

A list counts when the authority that issued the certificate signed it, when it is in force, and when it is whole: neither a
delta nor one for some of the certificates. The signer's certificate has to be covered by a list; those of the authorities above
it are looked up where there is a list by their issuer.

With a trusted time, such as that of a timestamp, a certificate that was taken back later still held at that time, unless its
key had leaked: nobody knows since when.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bridge.errors import InvalidKeyError, SignatureError
from bridge.trust.certificate_path import called
from bridge.trust.small_files import StrPath, read_small_file

_LIST_BYTES = 64 << 20
_LEAKED = {x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise, x509.ReasonFlags.aa_compromise}

RevocationList = x509.CertificateRevocationList


def load_revocation_list(path: StrPath) -> RevocationList:
    """A list in PEM or DER. Raises ``InvalidKeyError``, or ``InvalidOptionError`` if there is no such file."""
    data = read_small_file(path, what="certificate revocation list", most=_LIST_BYTES)
    try:
        if data.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_crl(data)
        return x509.load_der_x509_crl(data)
    except ValueError as error:
        raise InvalidKeyError(f"'{path}': no certificate revocation list in PEM or DER: {error}") from error


def check_revocation(
    path: Sequence[x509.Certificate], lists: Sequence[RevocationList], *, trusted_time: datetime | None, now: datetime
) -> None:
    """Raise ``SignatureError`` if a certificate of ``path``, the last of which is trusted as it is, was taken back."""
    at = trusted_time or now
    if len(path) == 1:
        raise SignatureError(
            f"{called(path[0])} is trusted as it is, so that no revocation list for it can be verified; trust its issuer instead"
        )
    for depth, certificate in enumerate(path[:-1]):
        issuer = path[depth + 1]
        ours = [item for item in lists if item.issuer == certificate.issuer and _is_signed(item, issuer)]
        if depth == 0 and not ours:
            raise SignatureError(f"no revocation list by {issuer.subject.rfc4514_string()!r}, who issued {called(certificate)}")
        for item in ours:
            _check_in_force(item, at, now)
            _check_entry(item, certificate, trusted_time)


def _is_signed(item: RevocationList, issuer: x509.Certificate) -> bool:
    try:
        key = issuer.public_key()
        strong = isinstance(item.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512)
    except (ValueError, UnsupportedAlgorithm):
        return False
    # Authorities of other kinds of keys are on no path that was accepted.
    if not strong or not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return False
    return _may_sign_lists(issuer) and item.is_signature_valid(key)


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _check_in_force(item: RevocationList, at: datetime, now: datetime) -> None:
    name = f"the revocation list by {item.issuer.rfc4514_string()!r}"
    for extension in item.extensions:
        if extension.critical:
            raise SignatureError(f"{name} has a critical extension that is not supported: {extension.oid.dotted_string}")
    if item.last_update_utc > now:
        raise SignatureError(f"{name} is of the future: it was issued at {item.last_update_utc.isoformat()}")
    if item.next_update_utc is None:
        raise SignatureError(f"{name} does not say how long it is in force")
    if item.next_update_utc < at:
        raise SignatureError(f"{name} is out of date since {item.next_update_utc.isoformat()}: get the present one")


def _check_entry(item: RevocationList, certificate: x509.Certificate, trusted_time: datetime | None) -> None:
    entry = item.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is None:
        return
    reason, since = _reason(entry), entry.revocation_date_utc
    if trusted_time is not None and since > trusted_time and reason not in _LEAKED and reason is not None:
        return
    words = f", reason {reason.value}" if reason else ""
    raise SignatureError(f"{called(certificate)} was revoked at {since.isoformat()}{words}")


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return None
