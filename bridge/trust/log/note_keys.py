"""Keys of signed notes: a name, an algorithm byte and an Ed25519 key (C2SP signed-note).

A verifier key is one line of text, ``name+id+base64``, as Go's checksum database and every C2SP tool write it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bridge.errors import InvalidKeyError

ED25519 = 0x01
"""An Ed25519 signature over the note's text."""
ED25519_COSIGNATURE = 0x04
"""A witness's Ed25519 signature over the time and the text (C2SP tlog-cosignature)."""
ED25519_KEY_BYTES = 32
_GREATEST_LINE_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key that signs notes under ``name``; ``algorithm`` is ``ED25519`` or ``ED25519_COSIGNATURE``."""

    name: str
    public_key: bytes
    algorithm: int = ED25519

    @property
    def key_id(self) -> bytes:
        """Four bytes that name the key in signature lines. They identify it and protect nothing."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key).digest()[:4]

    def to_text(self) -> str:
        """The verifier key as one line, without its end."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.algorithm]) + self.public_key).decode()}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` (64 bytes) is this key's over ``message``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    @classmethod
    def from_text(cls, text: str) -> NoteKey:
        """The key that a line of text states; ``InvalidKeyError`` where it is none, or its id is not that of its key."""
        line = text.strip("\n")
        parts = line.split("+", 2)
        if len(line) > _GREATEST_LINE_CHARACTERS or len(parts) != 3:
            raise InvalidKeyError("not a verifier key: expected one line 'name+id+base64', as `bridge log init` writes it")
        name, key_id, encoded = parts
        if not is_key_name(name):
            raise InvalidKeyError(f"a verifier key with the name {name!r}: expected a name without spaces and plus signs")
        try:
            material = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidKeyError(f"the verifier key of {name}: its key is not base64") from error
        if len(material) != 1 + ED25519_KEY_BYTES or material[0] not in {ED25519, ED25519_COSIGNATURE}:
            raise InvalidKeyError(f"the verifier key of {name}: expected an Ed25519 key of type 01 or 04")
        key = cls(name, material[1:], material[0])
        if key.to_text() != line:
            raise InvalidKeyError(f"the verifier key of {name}: its id is {key.key_id.hex()}, and the line says {key_id[:16]!r}")
        return key


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A private key that signs notes under ``name``."""

    name: str
    private_key: Ed25519PrivateKey

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise InvalidKeyError(f"a log cannot be called {self.name!r}: expected a name without spaces and plus signs")

    @property
    def key(self) -> NoteKey:
        """Its public half."""
        return NoteKey(self.name, self.private_key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature."""
        return self.private_key.sign(message)


def is_key_name(name: str) -> bool:
    """Whether a key may have this name: something, printable, without spaces or plus signs."""
    return bool(name) and len(name) <= 256 and "+" not in name and all(c.isprintable() and not c.isspace() for c in name)
