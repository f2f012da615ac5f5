"""New keys on disk: the private half encrypted and for its owner alone, the public half beside it, neither over anything."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.errors import InvalidOptionError, WriteError
from bridge.trust.encrypted_key import encrypted_pem
from bridge.trust.keys import CURVES, fingerprint, key_name, load_private_key, load_public_key, parse_public_key, public_pem
from bridge.trust.signers import Identity
from bridge.trust.small_files import StrPath, read_small_file

SHORTEST_PASSWORD = 8
"""In bytes. Whatever a guess costs, a short password does not need guessing for long."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A pair of key files. ``fingerprint`` is the public key's, in hexadecimal."""

    private_path: Path
    public_path: Path
    curve: str
    fingerprint: str
    encrypted: bool

    def to_json(self) -> dict[str, Any]:
        """The pair for machines."""
        return {
            "private_key": str(self.private_path),
            "public_key": str(self.public_path),
            "curve": self.curve,
            "fingerprint": self.fingerprint,
            "encrypted": self.encrypted,
        }


def new_key_pair(path: StrPath, *, curve: str = "p256", password: bytes | None) -> KeyPair:
    """Make a key and write it to ``path``, mode 0600, with its public half in ``<path>.pub``.

    A password of ``None`` leaves the private key unencrypted. Raises ``InvalidOptionError`` for an unknown curve or a short
    password, ``WriteError`` if one of the files exists or cannot be written.
    """
    if curve not in CURVES:
        raise InvalidOptionError(f"no curve {curve!a}: expected one of {', '.join(CURVES)}")
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise InvalidOptionError(f"a password of {len(password)} characters: expected at least {SHORTEST_PASSWORD}")
    private_path = Path(path)
    public_path = private_path.with_name(private_path.name + ".pub")
    key = ec.generate_private_key(CURVES[curve]())
    pem = encrypted_pem(key, password) if password is not None else _plain_pem(key)
    if os.path.lexists(public_path):
        raise WriteError(f"cannot write '{public_path}': it exists, and a key is never overwritten; name another file")
    _write_new(private_path, pem, 0o600)
    try:
        _write_new(public_path, public_pem(key.public_key()), 0o644)
    except BaseException:
        with suppress(OSError):
            private_path.unlink()
        raise
    return KeyPair(private_path, public_path, curve, fingerprint(key.public_key()), password is not None)


def _plain_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that appears whole, under a name that nothing had before."""
    hidden = path.with_name(f".bridge-{secrets.token_hex(12)}.tmp")
    try:
        # Private from the first moment: who opens a file while it is readable can read what is written later.
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            # Unlike a renaming, a link does not replace what is there.
            os.link(hidden, path)
        finally:
            hidden.unlink()
    except FileExistsError as error:
        raise WriteError(f"cannot write '{path}': it exists, and a key is never overwritten; name another file") from error
    except OSError as error:
        raise WriteError(f"cannot write '{path}': {error.strerror}") from error


def describe(path: StrPath, password: bytes | None, *, ask: Callable[[], bytes | None] | None = None) -> list[Identity]:
    """Whose the keys or certificates in a PEM file are. Raises ``InvalidKeyError``, ``InvalidOptionError`` if there is none."""
    data = read_small_file(path, what="key", most=1 << 20)
    if b"BEGIN CERTIFICATE" in data:
        from bridge.trust.certificates import identity_of, load_certificates

        return [identity_of(certificate) for certificate in load_certificates(path)]
    if b"PRIVATE KEY" in data:
        pem = load_private_key(path, password, ask=ask).public_key_pem()
        print_of_key = fingerprint(parse_public_key(pem, what=f"'{path}'"))
    else:
        print_of_key = load_public_key(path).fingerprint
    return [Identity("key", key_name(print_of_key), print_of_key)]
