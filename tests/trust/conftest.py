"""Keys and folders to sign, made anew for each run."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.trust.keys import KeySigner, TrustedKey


@pytest.fixture(scope="session")
def private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def signer(private_key: ec.EllipticCurvePrivateKey) -> KeySigner:
    return KeySigner(private_key)


@pytest.fixture(scope="session")
def verifier(private_key: ec.EllipticCurvePrivateKey) -> TrustedKey:
    return TrustedKey(private_key.public_key())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with files on two levels, an empty one among them, and what git leaves in a checkout."""
    folder = tmp_path / "model"
    for name, octets in {
        "weights.bin": bytes(range(256)) * 1000,
        "config.json": b"{}",
        "parts/one.bin": b"one",
        "parts/deeper/two.bin": b"two",
        "empty": b"",
        ".git/config": b"[core]",
        ".gitignore": b"*.pyc",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(octets)
    return folder
