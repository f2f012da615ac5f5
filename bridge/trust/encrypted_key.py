"""Private keys under a password: PKCS #8, encrypted by PBES2 with scrypt and AES-256-CBC (RFC 8018, RFC 7914).

``cryptography`` writes this form with PBKDF2 and 2,048 rounds, which graphics cards try by the million per second. It reads, as
OpenSSL does, scrypt as well, whose memory makes each guess dear; so the envelope is written here, around its primitives.
"""

from __future__ import annotations

import base64
import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

# What `openssl pkcs8 -scrypt` takes: 16 MiB and a twentieth of a second per guess. OpenSSL refuses to spend much more memory.
_COST, _BLOCK_SIZE, _PARALLEL = 1 << 14, 8, 1
_SALT_BYTES = 16

_INTEGER, _OCTET_STRING, _OBJECT_IDENTIFIER, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_PBES2 = bytes.fromhex("2a864886f70d01050d")  # 1.2.840.113549.1.5.13
_SCRYPT = bytes.fromhex("2b06010401da47040b")  # 1.3.6.1.4.1.11591.4.11
_AES_256_CBC = bytes.fromhex("60864801650304012a")  # 2.16.840.1.101.3.4.1.42


def encrypted_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey, password: bytes) -> bytes:
    """``key`` as ENCRYPTED PRIVATE KEY in PEM."""
    plain = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    salt, vector = os.urandom(_SALT_BYTES), os.urandom(AES256.block_size // 8)
    secret = Scrypt(salt, 32, _COST, _BLOCK_SIZE, _PARALLEL).derive(password)
    padder = PKCS7(AES256.block_size).padder()
    encryptor = Cipher(AES256(secret), CBC(vector)).encryptor()
    sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    return _pem(_sequence(_algorithm(salt, vector), _der(_OCTET_STRING, sealed)))


def _algorithm(salt: bytes, vector: bytes) -> bytes:
    numbers = [_der(_INTEGER, number.to_bytes(4).lstrip(b"\0")) for number in (_COST, _BLOCK_SIZE, _PARALLEL)]
    derivation = _sequence(_der(_OBJECT_IDENTIFIER, _SCRYPT), _sequence(_der(_OCTET_STRING, salt), *numbers))
    encryption = _sequence(_der(_OBJECT_IDENTIFIER, _AES_256_CBC), _der(_OCTET_STRING, vector))
    return _sequence(_der(_OBJECT_IDENTIFIER, _PBES2), _sequence(derivation, encryption))


def _sequence(*parts: bytes) -> bytes:
    return _der(_SEQUENCE, b"".join(parts))


def _der(tag: int, content: bytes) -> bytes:
    """Tag, length and content. The keys of this format are at most a few hundred bytes long."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes(2).lstrip(b"\0")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _pem(der: bytes) -> bytes:
    text = base64.b64encode(der)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"\n".join((b"-----BEGIN ENCRYPTED PRIVATE KEY-----", *lines, b"-----END ENCRYPTED PRIVATE KEY-----", b""))
