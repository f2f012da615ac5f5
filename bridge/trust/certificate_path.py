"""The chain from a signer's certificate to a trusted root, by the rules of RFC 5280 as far as they concern signing of models.

For every certificate of the path:

1. it is signed by the next one, with SHA-2, by a key that is strong enough, and names it as its issuer;
2. it is within its validity, at the present or at a time that the caller trusts, and so is the root;
3. it has no critical extension but those that are checked here, and no name constraints, which are not.

The signer's is for a key on one of the format's curves and allows signatures: by key usage, or, where it has none and is no
authority's, by extended key usage. Those above it are authorities' that may sign certificates, to the length of path that each
allows. Extended key usage, wherever there is one, includes code signing.

The verifier in ``cryptography`` is made for TLS servers and clients and accepts no other usage; hence this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from bridge.errors import InvalidKeyError, SignatureError
from bridge.trust.keys import CURVES, ecdsa_for

_LONGEST_PATH = 8
_MOST_SIGNATURES = 32
"""Certificates of equal names could be arranged in a factorial number of ways."""

_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_CURVES = {curve().name for curve in CURVES.values()}
_RSA_BITS = range(2048, 8193)  # A longer key buys nothing but our time.
_PURPOSES = {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_CHECKED = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
}

Kind = TypeVar("Kind", bound=x509.ExtensionType)
Path = tuple[x509.Certificate, ...]


def find_path(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> Path:
    """A path from ``leaf`` by way of ``others`` to one of ``roots`` on which every rule holds at ``at``, both ends included.

    A root is trusted because the caller named it, so it may be an intermediate authority's. Raises ``SignatureError`` with what
    is wrong with the first path that was found.
    """
    reasons: list[str] = []
    for path in _Search(others, roots).paths((leaf,)):
        try:
            _check(path, at)
        except SignatureError as error:
            reasons.append(str(error))
        else:
            return path
    raise SignatureError(
        reasons[0] if reasons else f"{called(leaf)} does not lead to a trusted root: nobody among them or in the bundle signed it"
    )


class _Search:
    """Goes up from a certificate to whoever really signed it, roots first."""

    def __init__(self, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> None:
        self._others = others
        self._roots = roots
        self._signatures_left = _MOST_SIGNATURES

    def paths(self, path: Path) -> Iterator[Path]:
        if path[-1] in self._roots:
            yield path
            return
        if len(path) > _LONGEST_PATH:
            return
        for issuer in (*self._roots, *self._others):
            if issuer not in path and path[-1].issuer == issuer.subject and self._signed(path[-1], issuer):
                yield from self.paths((*path, issuer))

    def _signed(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        self._signatures_left -= 1
        if self._signatures_left < 0:
            raise SignatureError(f"more than {_MOST_SIGNATURES} signatures to check for one chain of certificates")
        if not _is_strong(certificate, issuer):
            return False
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


def _is_strong(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        key = issuer.public_key()
        strong_hash = isinstance(certificate.signature_hash_algorithm, _HASHES)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return strong_hash and key.key_size in _RSA_BITS
    return strong_hash and isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES


def _check(path: Path, at: datetime) -> None:
    for certificate in path:
        check_time(certificate, at)
        _check_extensions(certificate)
    _check_leaf(path[0])
    below = 0
    for authority in path[1:]:
        _check_authority(authority, below)
        # A certificate that an authority gives itself, when it changes its key, does not count.
        below += authority.subject != authority.issuer


def check_time(certificate: x509.Certificate, at: datetime) -> None:
    """Raise ``SignatureError`` unless the certificate is within its validity at ``at``."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not start <= at <= end:
        word = "expired" if at > end else "not yet valid"
        raise SignatureError(
            f"{called(certificate)} is {word} at {at.isoformat(timespec='seconds')}: it is valid from {start.isoformat()} "
            f"to {end.isoformat()}"
        )


def _check_extensions(certificate: x509.Certificate) -> None:
    try:
        extensions = list(certificate.extensions)
    except (ValueError, x509.DuplicateExtension) as error:
        raise SignatureError(f"{called(certificate)} has extensions that cannot be read") from error
    for extension in extensions:
        if extension.oid == ExtensionOID.NAME_CONSTRAINTS:
            raise SignatureError(f"{called(certificate)} has name constraints, which are not supported")
        if extension.critical and extension.oid not in _CHECKED:
            raise SignatureError(
                f"{called(certificate)} has a critical extension that is not supported: {extension.oid.dotted_string}"
            )


def _check_leaf(leaf: x509.Certificate) -> None:
    signing_key(leaf)
    constraints, usage = _extension(leaf, x509.BasicConstraints), _extension(leaf, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise SignatureError(f"{called(leaf)} is not for signatures: its key usage does not include them")
    if usage is None and constraints is not None and constraints.ca:
        raise SignatureError(f"{called(leaf)} is an authority's, and has no key usage that says it is for signatures too")
    if usage is None and _extension(leaf, x509.ExtendedKeyUsage) is None:
        raise SignatureError(f"{called(leaf)} does not say that it is for signatures: it has no key usage, extended or not")
    _check_purposes(leaf)


def _check_authority(authority: x509.Certificate, below: int) -> None:
    constraints = _extension(authority, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise SignatureError(f"{called(authority)} is not an authority's, and yet it has signed another")
    if constraints.path_length is not None and below > constraints.path_length:
        raise SignatureError(f"{called(authority)} allows {constraints.path_length} authorities below it; there are {below}")
    usage = _extension(authority, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise SignatureError(f"{called(authority)} is not for signing certificates: its key usage does not include it")
    _check_purposes(authority)


def _check_purposes(certificate: x509.Certificate) -> None:
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    if purposes is not None and not _PURPOSES & set(purposes):
        raise SignatureError(f"{called(certificate)} is for other purposes: its extended key usage does not include code signing")


def _extension(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def signing_key(leaf: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """The key that a signer's certificate is for. Raises ``SignatureError`` unless it is on one of the format's curves."""
    try:
        key = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureError(f"{called(leaf)} is for a key that cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureError(f"{called(leaf)} is for no elliptic-curve key")
    try:
        ecdsa_for(key, what=called(leaf))
    except InvalidKeyError as error:
        raise SignatureError(str(error)) from error
    return key


def called(certificate: x509.Certificate) -> str:
    """What errors call a certificate."""
    return f"the certificate of {certificate.subject.rfc4514_string() or 'nobody'!r} (serial {certificate.serial_number:x})"
