"""What can sign, what can verify, and who it was: the interfaces between keys, certificates, hardware and bundles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from bridge.errors import ForgedSignatureError, SignatureError


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose signature it is.

    ``name`` is "key sha256:<fingerprint>" or the certificate's subject (its first alternative name where the subject is empty);
    ``fingerprint`` is the SHA-256, in hexadecimal, of the public key's PEM form or of the certificate's DER form;
    ``alternative_names`` are the certificate's, as in "email:a@example.org", "uri:https://..." and "dns:...".
    """

    kind: Literal["key", "certificate"]
    name: str
    fingerprint: str
    not_after: datetime | None = None
    alternative_names: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The identity for machines."""
        return {
            "kind": self.kind,
            "name": self.name,
            "fingerprint": self.fingerprint,
            "not_after": self.not_after.isoformat() if self.not_after else None,
            "alternative_names": list(self.alternative_names),
        }


@dataclass(frozen=True, slots=True)
class VerificationMaterial:
    """What a bundle says about its signer. Nobody has vouched for it: a verifier compares it with what it trusts.

    Either ``hint`` or ``raw_key`` names a key (both ``None`` in some old bundles), or ``certificates`` is a chain in DER, the
    leaf first.
    """

    hint: str | None = None
    raw_key: bytes | None = None
    certificates: tuple[bytes, ...] = ()


class Signer(Protocol):
    """A private key, wherever it is kept."""

    @property
    def identity(self) -> str:
        """What the signer is called: "key sha256:<fingerprint>", or the certificate's subject."""

    def sign(self, message: bytes) -> bytes:
        """The ECDSA signature over ``message`` in DER, with the hash that belongs to the key's curve."""

    def public_key_pem(self) -> bytes:
        """The public half, as SubjectPublicKeyInfo in PEM."""

    def verification_material(self) -> dict[str, Any]:
        """The bundle's ``verificationMaterial``."""


class Verifier(Protocol):
    """Somebody who is trusted: the holder of one key, or everybody whom a set of roots has certified."""

    def verify(self, material: VerificationMaterial, message: bytes, signature: bytes) -> Identity:
        """Who signed ``message``. Raises ``SignatureError`` if it was nobody who is trusted here."""


class _AnyOf:
    def __init__(self, verifiers: Sequence[Verifier]) -> None:
        self._verifiers = tuple(verifiers)

    def verify(self, material: VerificationMaterial, message: bytes, signature: bytes) -> Identity:
        errors: list[SignatureError] = []
        for verifier in self._verifiers:
            try:
                return verifier.verify(material, message, signature)
            except SignatureError as error:
                errors.append(error)
        # Whose it is not is beside the point where it says whose it is, and is not.
        forged = [error for error in errors if isinstance(error, ForgedSignatureError)]
        reasons = "; ".join(dict.fromkeys(str(error) for error in forged or errors))
        kind = ForgedSignatureError if forged else SignatureError
        raise kind(reasons or "nobody is trusted: give a public key or a root certificate")


def any_of(verifiers: Sequence[Verifier]) -> Verifier:
    """One verifier that trusts whom any of these trusts. An empty one trusts nobody."""
    return _AnyOf(verifiers)
