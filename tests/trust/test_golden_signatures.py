"""Signatures made once, by us and by model_signing 1.1.1: every later version verifies them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bridge.errors import IntegrityError
from bridge.trust.keys import load_public_key
from bridge.trust.signature_files import verify
from tests.trust.golden_signatures import GOLDEN

_SIGNATURES = sorted(path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.sig"))


def test_there_are_signatures_by_both() -> None:
    assert len([name for name in _SIGNATURES if name.startswith("bridge-0.1.0/")]) == 6
    assert len([name for name in _SIGNATURES if name.startswith("model_signing-1.1.1/")]) == 5


@pytest.mark.parametrize("name", _SIGNATURES)
def test_golden_signature_verifies_and_still_refuses(name: str, tmp_path: Path) -> None:
    if "blake3" in name:
        pytest.importorskip("blake3", reason="the extra blake3 is not installed")
    model, verifier = tmp_path / "model", load_public_key(GOLDEN / "key.pub")
    shutil.copytree(GOLDEN / "model", model)
    assert verify(model, verifier, signature=GOLDEN / name).identity.fingerprint == verifier.fingerprint
    (model / "parts" / "a").write_bytes(b"b")
    with pytest.raises(IntegrityError, match="parts/a"):
        verify(model, verifier, signature=GOLDEN / name)
