"""bridge.trust.keys and key_files: new keys, their files, and keys that cannot be used."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from bridge.errors import InvalidKeyError, InvalidOptionError, WriteError
from bridge.trust.key_files import describe, new_key_pair
from bridge.trust.keys import TrustedKey, load_private_key, load_public_key

_OPENSSL = shutil.which("openssl")
_PASSWORD = b"correct horse"
_ENCODING, _PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


@pytest.mark.parametrize("curve", ["p256", "p384", "p521"])
def test_new_key_opens_with_its_password_and_matches_its_public_half(curve: str, tmp_path: Path) -> None:
    pair = new_key_pair(tmp_path / "key", curve=curve, password=_PASSWORD)
    assert pair.encrypted
    assert b"ENCRYPTED" in pair.private_path.read_bytes()
    assert load_private_key(pair.private_path, _PASSWORD).public_key_pem() == pair.public_path.read_bytes()
    assert load_public_key(pair.public_path).fingerprint == pair.fingerprint


@pytest.mark.skipif(_OPENSSL is None, reason="openssl is not installed")
def test_openssl_opens_an_encrypted_key(tmp_path: Path) -> None:
    pair = new_key_pair(tmp_path / "key", password=_PASSWORD)
    command = [str(_OPENSSL), "pkey", "-in", str(pair.private_path), "-passin", f"pass:{_PASSWORD.decode()}", "-pubout"]
    assert subprocess.run(command, check=True, capture_output=True).stdout == pair.public_path.read_bytes()
    structure = subprocess.run([str(_OPENSSL), "asn1parse", "-in", str(pair.private_path)], check=True, capture_output=True)
    assert b"scrypt" in structure.stdout


def test_private_key_is_for_its_owner_alone_even_with_a_lax_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        pair = new_key_pair(tmp_path / "key", password=None)
    finally:
        os.umask(before)
    assert pair.private_path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "key.pub"]


@pytest.mark.parametrize("taken", ["key", "key.pub"])
def test_key_is_never_overwritten(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).write_bytes(b"precious")
    with pytest.raises(WriteError, match="never overwritten"):
        new_key_pair(tmp_path / "key", password=None)
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_bytes() == b"precious"


def test_link_in_the_key_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WriteError):
        new_key_pair(tmp_path / "key", password=None)
    assert not (tmp_path / "elsewhere").exists()


def test_short_password_and_unknown_curve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="at least 8"):
        new_key_pair(tmp_path / "key", password=b"seven77")
    with pytest.raises(InvalidOptionError, match="no curve 'p224'"):
        new_key_pair(tmp_path / "key", curve="p224", password=None)


def test_wrong_and_missing_passwords_are_told_apart(tmp_path: Path) -> None:
    pair = new_key_pair(tmp_path / "key", password=_PASSWORD)
    with pytest.raises(InvalidKeyError, match="the password does not open it"):
        load_private_key(pair.private_path, b"wrong horse")
    with pytest.raises(InvalidKeyError, match="the key is encrypted"):
        load_private_key(pair.private_path, None)
    assert load_private_key(pair.private_path, None, ask=lambda: _PASSWORD).identity == f"key sha256:{pair.fingerprint}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_unencrypted_key_that_others_can_read_or_write_is_refused(mode: int, tmp_path: Path) -> None:
    pair = new_key_pair(tmp_path / "key", password=None)
    pair.private_path.chmod(mode)
    with pytest.raises(InvalidKeyError, match="chmod 600"):
        load_private_key(pair.private_path, None)


def test_encrypted_key_may_be_readable(tmp_path: Path) -> None:
    pair = new_key_pair(tmp_path / "key", password=_PASSWORD)
    pair.private_path.chmod(0o644)
    assert load_private_key(pair.private_path, _PASSWORD).identity.endswith(pair.fingerprint)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (ed25519.Ed25519PrivateKey.generate(), "no elliptic-curve key"),
        (rsa.generate_private_key(65537, 2048), "no elliptic-curve key"),
        (ec.generate_private_key(ec.SECP256K1()), "a key on the curve secp256k1"),
        (ec.generate_private_key(ec.SECP224R1()), "a key on the curve secp224r1"),
    ],
)
def test_key_of_another_kind_is_refused(
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, reason: str, tmp_path: Path
) -> None:
    private, public = tmp_path / "key", tmp_path / "key.pub"
    private.write_bytes(key.private_bytes(_ENCODING, _PKCS8, serialization.NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(_ENCODING, serialization.PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(InvalidKeyError, match=reason):
        load_private_key(private, None)
    with pytest.raises(InvalidKeyError, match=reason):
        load_public_key(public)


def test_private_key_in_the_public_key_s_place_is_named(tmp_path: Path) -> None:
    pair = new_key_pair(tmp_path / "key", password=None)
    with pytest.raises(InvalidKeyError, match="it holds a private key"):
        load_public_key(pair.private_path)


def test_pipe_in_the_key_s_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    with pytest.raises(InvalidOptionError, match="no regular file"):
        load_private_key(tmp_path / "key", None)


def test_missing_and_oversized_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="No such file"):
        load_public_key(tmp_path / "nothing")
    (tmp_path / "long").write_bytes(b" " * (1 << 20))
    with pytest.raises(InvalidOptionError, match="more than 65536 bytes"):
        load_public_key(tmp_path / "long")


def test_description_names_public_and_private_halves_alike(tmp_path: Path) -> None:
    pair = new_key_pair(tmp_path / "key", password=_PASSWORD)
    assert describe(pair.public_path, None) == describe(pair.private_path, _PASSWORD)


def test_fingerprint_does_not_depend_on_the_file_s_layout(tmp_path: Path) -> None:
    pair = new_key_pair(tmp_path / "key", password=None)
    (tmp_path / "other").write_bytes(b"a comment\n" + pair.public_path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_public_key(tmp_path / "other").fingerprint == pair.fingerprint
    assert isinstance(load_public_key(tmp_path / "other"), TrustedKey)
