"""bridge.trust.fallback: what takes the place of a refused package is verified itself, and its use is recorded."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bridge.errors import IntegrityError, PolicyError
from bridge.trust.fallback import verify_or_fallback
from tests.trust.signed_models import new_key, policy_trusting, signed_package

SIGNER = new_key()


def _packages(folder: Path) -> tuple[Path, Path]:
    primary = signed_package(folder / "primary", SIGNER, {"model.onnx": b"new"})
    fallback = signed_package(folder / "fallback", SIGNER, {"model.onnx": b"old"})
    return primary, fallback


def test_accepted_package_is_used(tmp_path: Path) -> None:
    primary, fallback = _packages(tmp_path)
    chosen = verify_or_fallback(primary, fallback, policy_trusting(tmp_path, SIGNER))
    assert (chosen.path, chosen.is_fallback, chosen.refusal) == (primary, False, None)
    assert bytes(chosen.folder.files["model.onnx"]) == b"new"


@pytest.mark.parametrize("configured", [True, False])
def test_fallback_takes_the_place_of_a_refused_package_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, configured: bool
) -> None:
    primary, fallback = _packages(tmp_path)
    (primary / "model.onnx").write_bytes(b"bad")
    policy = policy_trusting(tmp_path, SIGNER, **({"fallback": "fallback"} if configured else {}))
    with caplog.at_level(logging.WARNING, "bridge.trust"):
        chosen = verify_or_fallback(primary, None if configured else fallback, policy)
    assert (chosen.path, chosen.is_fallback) == (fallback, True)
    assert isinstance(chosen.refusal, IntegrityError)
    assert bytes(chosen.folder.files["model.onnx"]) == b"old"
    assert "is used in place of" in caplog.records[-1].getMessage()


def test_package_that_is_not_there_is_replaced_too(tmp_path: Path) -> None:
    _, fallback = _packages(tmp_path)
    assert verify_or_fallback(tmp_path / "nowhere", fallback, policy_trusting(tmp_path, SIGNER)).path == fallback


def test_fallback_that_is_refused_is_not_used(tmp_path: Path) -> None:
    primary, fallback = _packages(tmp_path)
    (primary / "model.onnx").write_bytes(b"bad")
    (fallback / "model.sig").unlink()
    with pytest.raises(IntegrityError) as caught:
        verify_or_fallback(primary, fallback, policy_trusting(tmp_path, SIGNER))
    assert "the fallback" in caught.value.__notes__[0]
    assert "has no signature" in caught.value.__notes__[0]


def test_without_a_fallback_the_refusal_stands(tmp_path: Path) -> None:
    primary, _ = _packages(tmp_path)
    with pytest.raises(PolicyError):
        verify_or_fallback(primary, None, policy_trusting(tmp_path, new_key()))
