"""Keys that never leave their token: signing through PKCS #11, with SoftHSM, a smart card or a network HSM."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bridge.errors import InvalidKeyError, InvalidOptionError
from bridge.trust.keys import ecdsa_for, fingerprint, key_material, key_name, public_pem
from bridge.trust.pkcs11_uri import Pkcs11Uri
from bridge.trust.small_files import read_small_file

if TYPE_CHECKING:
    # Belongs to the extra "hsm", and loads a library of its own.
    from pkcs11 import Session, Token

PIN_VARIABLE = "BRIDGE_PKCS11_PIN"
_PIN_BYTES = 256
_DIGESTS = {256: "sha256", 384: "sha384", 521: "sha512"}


class Pkcs11Signer:
    """Signs on a token. The session stays open as long as the signer lives; ``close`` ends it."""

    def __init__(self, session: Session, private: Any, public: ec.EllipticCurvePublicKey) -> None:
        self._session = session
        self._private = private
        self._public = public
        ecdsa_for(public, what="the token's key")

    @property
    def identity(self) -> str:
        """What the key is called: "key sha256:<fingerprint>"."""
        return key_name(fingerprint(self._public))

    def sign(self, message: bytes) -> bytes:
        """The ECDSA signature in DER. Raises ``InvalidKeyError`` if the token does not sign."""
        from pkcs11 import Mechanism, PKCS11Error

        digest = hashlib.new(_DIGESTS[self._public.curve.key_size], message).digest()
        try:
            # Every token has the mechanism without a hash of its own, and the message does not have to travel to it.
            raw: bytes = self._private.sign(digest, mechanism=Mechanism.ECDSA)
        except PKCS11Error as error:
            raise InvalidKeyError(f"the token does not sign: {_words(error)}") from error
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))

    def public_key_pem(self) -> bytes:
        """The public half, as SubjectPublicKeyInfo in PEM."""
        return public_pem(self._public)

    def verification_material(self) -> dict[str, Any]:
        """The key's fingerprint, by which a verifier finds it among those that it trusts."""
        return key_material(self._public)

    def close(self) -> None:
        """Log out of the token."""
        self._session.close()


def load_pkcs11_signer(uri: str, pin: str | None = None) -> Pkcs11Signer:
    """The signer for a key on a token, named by an RFC 7512 URI.

    The PIN is ``pin``, else what the file of the URI's ``pin-source`` holds, else the variable BRIDGE_PKCS11_PIN.
    Raises ``InvalidOptionError`` for an unusable URI or a package that is not installed, ``InvalidKeyError`` if there is no such
    token or key, or if the token refuses the PIN.
    """
    wanted = Pkcs11Uri.parse(uri)
    try:
        import pkcs11
    except ImportError as error:
        raise InvalidOptionError(
            "keys in hardware need the package python-pkcs11, which is not installed: pip install 'cntk-bridge[hsm]'"
        ) from error
    try:
        token = _token(wanted)
        session = token.open(user_pin=pin or _pin(wanted))
        try:
            return _signer(session, wanted)
        except BaseException:
            session.close()
            raise
    except pkcs11.PKCS11Error as error:
        raise InvalidKeyError(f"the token cannot be used: {_words(error)}") from error


def _pin(wanted: Pkcs11Uri) -> str:
    if wanted.pin_source is not None:
        data = read_small_file(wanted.pin_source, what="PIN file", most=_PIN_BYTES)
        try:
            return data.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InvalidOptionError(f"the PIN file '{wanted.pin_source}' is not UTF-8") from error
    pin = os.environ.get(PIN_VARIABLE)
    if not pin:
        raise InvalidOptionError(f"no PIN for the token: name a file by pin-source in the URI, or set {PIN_VARIABLE}")
    return pin


def _token(wanted: Pkcs11Uri) -> Token:
    import pkcs11

    try:
        library = pkcs11.lib(str(wanted.module))
    except (RuntimeError, OSError) as error:
        raise InvalidKeyError(f"the PKCS #11 library '{wanted.module}' cannot be loaded: {_words(error)}") from error
    found = []
    for slot in library.get_slots(token_present=True):
        if wanted.slot is not None and slot.slot_id != wanted.slot:
            continue
        token = slot.get_token()
        pairs = (
            (wanted.token, token.label),
            (wanted.serial, token.serial.decode(errors="replace")),
            (wanted.manufacturer, token.manufacturer_id),
            (wanted.model, token.model),
        )
        # The token pads its names with blanks.
        if all(value is None or value == stated.rstrip() for value, stated in pairs):
            found.append(token)
    if len(found) != 1:
        count = "no token" if not found else f"{len(found)} tokens"
        raise InvalidKeyError(f"{count} fit the PKCS #11 URI: expected exactly one; name it by token, serial or slot-id")
    return found[0]


def _signer(session: Session, wanted: Pkcs11Uri) -> Pkcs11Signer:
    from pkcs11 import KeyType, MultipleObjectsReturned, NoSuchKey, ObjectClass
    from pkcs11.util.ec import encode_ec_public_key

    def key(kind: ObjectClass) -> Any:
        return session.get_key(object_class=kind, key_type=KeyType.EC, label=wanted.label, id=wanted.identifier)

    try:
        private, public = key(ObjectClass.PRIVATE_KEY), key(ObjectClass.PUBLIC_KEY)
        der = encode_ec_public_key(public)
        loaded = serialization.load_der_public_key(der)
    except NoSuchKey as error:
        raise InvalidKeyError("the token has no elliptic-curve key of that label or id, or lacks its public half") from error
    except MultipleObjectsReturned as error:
        raise InvalidKeyError("the token has several keys of that label or id: give both") from error
    except ValueError as error:
        raise InvalidKeyError("the token's public key cannot be read") from error
    if not isinstance(loaded, ec.EllipticCurvePublicKey):
        raise InvalidKeyError("the token's key is no elliptic-curve key")
    return Pkcs11Signer(session, private, loaded)


def _words(error: Exception) -> str:
    """Errors of PKCS #11 say most by their class: PinIncorrect, TokenNotPresent."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
