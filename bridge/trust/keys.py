"""Elliptic-curve keys: signing with a private one, and trusting a public one."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.errors import ForgedSignatureError, InvalidKeyError, SignatureError
from bridge.trust.signers import Identity, VerificationMaterial
from bridge.trust.small_files import StrPath, read_with_mode

CURVES: dict[str, type[ec.EllipticCurve]] = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
"""The curves of OpenSSF Model Signing, as the command line calls them."""

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256,
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}
PASSWORD_VARIABLE = "BRIDGE_KEY_PASSWORD"  # noqa: S105 - The name of the variable, not what it holds.
_KEY_BYTES = 64 << 10
_CURVE_NAMES = "P-256, P-384 or P-521"


class KeySigner:
    """Signs with a private key in memory."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._scheme = ecdsa_for(key.public_key())

    @property
    def identity(self) -> str:
        """What the key is called: "key sha256:<fingerprint>"."""
        return key_name(fingerprint(self._key.public_key()))

    def sign(self, message: bytes) -> bytes:
        """The ECDSA signature in DER."""
        return self._key.sign(message, self._scheme)

    def public_key_pem(self) -> bytes:
        """The public half, as SubjectPublicKeyInfo in PEM."""
        return public_pem(self._key.public_key())

    def verification_material(self) -> dict[str, Any]:
        """The key's fingerprint, by which a verifier finds it among those that it trusts."""
        return key_material(self._key.public_key())


class TrustedKey:
    """Trusts whoever holds the private half of one key."""

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        self._scheme = ecdsa_for(key)
        self.fingerprint = fingerprint(key)

    def verify(self, material: VerificationMaterial, message: bytes, signature: bytes) -> Identity:
        """The key's identity. Raises ``SignatureError``."""
        named = self._named_by(material)
        if named is not None and named != self.fingerprint:
            raise SignatureError(f"signed by {named}, not by the trusted {key_name(self.fingerprint)}")
        whose = f"the trusted {key_name(self.fingerprint)}"
        if named is None:
            check_signature(self._key, signature, message, whose=whose)
        else:
            check_named_signature(self._key, signature, message, whose=whose)
        return Identity("key", key_name(self.fingerprint), self.fingerprint)

    def _named_by(self, material: VerificationMaterial) -> str | None:
        """The fingerprint of the key that a bundle names, or what it names instead of one; ``None`` where it names nothing."""
        if material.certificates:
            return "a certificate"
        if material.hint:
            return material.hint if material.hint == self.fingerprint else f"the key with the hint {material.hint[:80]!a}"
        if material.raw_key is None:
            return None
        try:
            # Bundles before model_signing 1.1.0 carry the key itself, in PEM.
            return fingerprint(parse_public_key(material.raw_key, what="the bundle's public key"))
        except InvalidKeyError:
            return "a key that cannot be read"


def load_private_key(path: StrPath, password: bytes | None, *, ask: Callable[[], bytes | None] | None = None) -> KeySigner:
    """The signer for a private key in PEM (PKCS #8 or SEC 1).

    ``ask`` is called for the password where the key is encrypted and ``password`` is ``None``; a key that is not encrypted needs
    none. Raises ``InvalidKeyError`` if the file holds no such key, if the password does not open it, or if the key is not
    encrypted and others than its owner can read the file; ``InvalidOptionError`` if there is no file.
    """
    data, mode = read_with_mode(path, what="private key", most=_KEY_BYTES)
    encrypted = b"ENCRYPTED" in data
    if not encrypted:
        password = None
    elif password is None and ask is not None:
        password = ask()
    if encrypted and not password:
        raise InvalidKeyError(
            f"'{path}': the key is encrypted: give its password by --password-file, in {PASSWORD_VARIABLE} or at the prompt"
        )
    try:
        key = serialization.load_pem_private_key(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        reason = "the password does not open it" if encrypted else "no private key in PEM"
        raise InvalidKeyError(f"'{path}': {reason}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidKeyError(f"'{path}': no elliptic-curve key; expected one on {_CURVE_NAMES}")
    if not encrypted and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidKeyError(
            f"'{path}': the key is not encrypted, and others than its owner can read or write the file (mode {mode:04o}); "
            f"run `chmod 600 '{path}'`, or make a new key if somebody may have read it"
        )
    return KeySigner(key)


def load_public_key(path: StrPath) -> TrustedKey:
    """The verifier that trusts a public key in PEM. Raises ``InvalidKeyError``, or ``InvalidOptionError`` if there is no file."""
    data, _ = read_with_mode(path, what="public key", most=_KEY_BYTES)
    return TrustedKey(parse_public_key(data, what=f"'{path}'"))


def parse_public_key(data: bytes, *, what: str) -> ec.EllipticCurvePublicKey:
    """A public key on one of the three curves, from SubjectPublicKeyInfo in PEM. Raises ``InvalidKeyError``."""
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "; it holds a private key: give the public one" if b"PRIVATE KEY" in data else ""
        raise InvalidKeyError(f"{what}: no public key in PEM{hint}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InvalidKeyError(f"{what}: no elliptic-curve key; expected one on {_CURVE_NAMES}")
    ecdsa_for(key, what=what)
    return key


def ecdsa_for(key: ec.EllipticCurvePublicKey, *, what: str = "the key") -> ec.ECDSA:
    """ECDSA with the hash that belongs to the key's curve. Raises ``InvalidKeyError`` for any other curve."""
    digest = _HASHES.get(key.curve.name)
    if digest is None:
        raise InvalidKeyError(f"{what}: a key on the curve {key.curve.name}; expected {_CURVE_NAMES}")
    return ec.ECDSA(digest())


def check_signature(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes, *, whose: str) -> None:
    """Raise ``SignatureError`` unless ``signature`` is one over ``message`` by ``key``."""
    try:
        key.verify(signature, message, ecdsa_for(key))
    except InvalidSignature as error:
        raise SignatureError(f"the signature is not one by {whose} over this statement") from error


def check_named_signature(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes, *, whose: str) -> None:
    """The same for a bundle that names ``key`` as its signer's: raises ``ForgedSignatureError``, since it is no stranger's."""
    try:
        check_signature(key, signature, message, whose=whose)
    except SignatureError as error:
        raise ForgedSignatureError(str(error)) from error


def public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    """SubjectPublicKeyInfo in PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the key's PEM form in hexadecimal, which is what the format calls the hint."""
    return hashlib.sha256(public_pem(key)).hexdigest()


def key_name(print_of_key: str) -> str:
    """How a key is called in results and policies."""
    return f"key sha256:{print_of_key}"


def key_material(key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    """The ``verificationMaterial`` of a bundle that is signed with a bare key."""
    return {"publicKey": {"hint": fingerprint(key)}, "tlogEntries": []}
