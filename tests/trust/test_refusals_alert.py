"""bridge.trust.verified: what is refused is logged, and those whom the policy names are told, before the error goes on."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import pytest

from bridge.errors import IntegrityError, PolicyError
from bridge.trust.verified import verify_file, verify_folder
from tests.trust.signed_models import new_key, policy_trusting, signed_file, signed_package

SIGNER = new_key()


def test_integrity_failure_is_logged_alerted_and_raised(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    received = tmp_path / "received.json"
    policy = policy_trusting(tmp_path, SIGNER, alerts=[{"command": ["/bin/sh", "-c", f"cat > {received}"]}])
    folder = signed_package(tmp_path / "package", SIGNER)
    (folder / "model.onnx").write_bytes(b"GRAPH")
    with caplog.at_level(logging.ERROR, "bridge.trust"), pytest.raises(IntegrityError, match=r"model\.onnx: not what was signed"):
        verify_folder(folder, policy)
    incident = json.loads(received.read_bytes())
    assert incident["file"] == str(folder / "model.onnx")
    assert incident["expected"] == f"sha256:{hashlib.sha256(b'graph').hexdigest()}"
    assert incident["computed"] == f"sha256:{hashlib.sha256(b'GRAPH').hexdigest()}"
    assert incident["policy_sha256"] == policy.sha256
    assert incident["time"].endswith("Z")
    assert [json.loads(record.getMessage().removeprefix("refused: ")) for record in caplog.records] == [incident]


def test_failing_alert_does_not_hide_the_integrity_failure(tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER, alerts=[{"command": ["/bin/false"]}, {"syslog": str(tmp_path / "nowhere")}])
    path = signed_file(tmp_path, SIGNER)
    path.write_bytes(b"other")
    with pytest.raises(IntegrityError, match="not what was signed") as caught:
        verify_file(path, policy)
    notes = caught.value.__notes__
    assert len(notes) == 2
    assert notes[0] == "an alert failed: command /bin/false: ended with status 1"


def test_refusal_by_a_rule_alerts_those_who_ask_for_it(tmp_path: Path) -> None:
    received = tmp_path / "received.json"
    alert = {"command": ["/bin/sh", "-c", f"cat > {received}"], "events": ["refusal"]}
    path = signed_file(tmp_path, new_key())
    with pytest.raises(PolicyError):
        verify_file(path, policy_trusting(tmp_path, SIGNER, alerts=[alert]))
    incident = json.loads(received.read_bytes())
    assert (incident["event"], incident["rule"], incident["file"]) == ("refusal", "signature", str(path))
