"""A log's keys as files: the private one in PEM, encrypted where a password is given, the public one as a verifier key's line."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from bridge.errors import InvalidKeyError, InvalidOptionError, WriteError
from bridge.trust.encrypted_key import encrypted_pem
from bridge.trust.key_files import SHORTEST_PASSWORD
from bridge.trust.keys import PASSWORD_VARIABLE
from bridge.trust.log.note_keys import NoteKey, NoteSigner
from bridge.trust.small_files import StrPath, read_small_file, read_with_mode

_KEY_BYTES = 64 << 10

AskPassword = Callable[[], bytes | None]


def new_log_key(path: StrPath, name: str, password: bytes | None) -> NoteSigner:
    """A new Ed25519 key for the log called ``name``, written to ``path``, which must not exist; readable by its owner alone.

    A password of ``None`` leaves it unencrypted. Raises ``WriteError``, ``InvalidOptionError`` for a short password, or
    ``InvalidKeyError`` for a name that no log can have.
    """
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise InvalidOptionError(f"a password of {len(password)} characters: expected at least {SHORTEST_PASSWORD}")
    signer = NoteSigner(name, Ed25519PrivateKey.generate())
    if password is not None:
        pem = encrypted_pem(signer.private_key, password)
    else:
        pem = signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise WriteError(f"cannot write the private key '{Path(path)}': {error.strerror}") from error
    return signer


def load_log_key(path: StrPath, name: str, password: bytes | None, *, ask: AskPassword | None = None) -> NoteSigner:
    """The signer for the log called ``name``, from an Ed25519 key in PEM.

    ``ask`` is called for the password where the key is encrypted and ``password`` is ``None``; a key that is not encrypted needs
    none. Raises ``InvalidKeyError`` for any other file, for a wrong password, and for a key that is neither encrypted nor private
    to its owner; ``InvalidOptionError`` if there is no file.
    """
    data, mode = read_with_mode(path, what="private key", most=_KEY_BYTES)
    shown = f"'{Path(path)}'"
    encrypted = b"ENCRYPTED" in data
    secret = (password or (ask() if ask else None)) if encrypted else None
    if encrypted and not secret:
        raise InvalidKeyError(
            f"{shown}: the key is encrypted: give its password by --password-file, in {PASSWORD_VARIABLE} or at the prompt"
        )
    try:
        key = load_pem_private_key(data, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidKeyError(f"{shown}: {'the password does not open it' if encrypted else 'no private key in PEM'}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidKeyError(f"{shown}: not an Ed25519 key, with which logs are signed; `bridge log init` makes one")
    if not encrypted and mode & (stat.S_IRWXG | stat.S_IRWXO):
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
