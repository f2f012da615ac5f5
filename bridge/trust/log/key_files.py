"""A log's keys as files: the private one in PEM, encrypted where a password is given, the public one as a verifier key's line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from bridge.errors import InvalidKeyError, WriteError
from bridge.trust.log.note_keys import NoteKey, NoteSigner
from bridge.trust.small_files import StrPath, read_small_file, read_with_mode

_KEY_BYTES = 64 << 10


def new_log_key(path: StrPath, name: str, password: bytes | None) -> NoteSigner:
    """A new Ed25519 key for the log called ``name``, written to ``path``, which must not exist; readable by its owner alone.

    Raises ``WriteError``, or ``InvalidKeyError`` for a name that no log can have.
    """
    signer = NoteSigner(name, Ed25519PrivateKey.generate())
    encryption: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    pem = signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise WriteError(f"cannot write the private key '{Path(path)}': {error.strerror}") from error
    return signer


def load_log_key(path: StrPath, name: str, password: bytes | None) -> NoteSigner:
    """The signer for the log called ``name``, from an Ed25519 key in PEM.

    Raises ``InvalidKeyError`` for any other file, for a wrong password, and for a key that is neither encrypted nor private to
    its owner; ``InvalidOptionError`` if there is no file.
    """
    data, mode = read_with_mode(path, what="private key", most=_KEY_BYTES)
    shown = f"'{Path(path)}'"
    try:
        key = load_pem_private_key(data, password or None)
    except TypeError as error:
        wanted = "encrypted: give its password by --password-file, in BRIDGE_KEY_PASSWORD or at the prompt"
        raise InvalidKeyError(
            f"{shown}: the key is {'not encrypted, and yet a password was given' if password else wanted}"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        reason = "the password does not open it" if b"ENCRYPTED" in data and password else "no private key in PEM"
        raise InvalidKeyError(f"{shown}: {reason}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidKeyError(f"{shown}: not an Ed25519 key, with which logs are signed; `bridge log init` makes one")
    if not password and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidKeyError(f"{shown}: the key is not encrypted, and others than its owner can use the file (mode {mode:04o})")
    return NoteSigner(name, key)


def load_note_key(path: StrPath, *, name: str) -> NoteKey:
    """A public key: a verifier key's line, or Ed25519 in PEM, which is then taken to be called ``name``. ``InvalidKeyError``."""
    data = read_small_file(path, what="public key", most=_KEY_BYTES)
    if not data.startswith(b"-----BEGIN"):
        try:
            return NoteKey.from_text(data.decode())
        except UnicodeDecodeError as error:
            raise InvalidKeyError(f"'{Path(path)}': no verifier key, and no public key in PEM") from error
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidKeyError(f"'{Path(path)}': no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidKeyError(f"'{Path(path)}': not an Ed25519 key, with which logs are signed")
    return NoteKey(name, key.public_bytes_raw())
