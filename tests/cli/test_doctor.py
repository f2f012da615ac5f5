"""``bridge doctor``: what works here, and whether libraries are what was installed."""

import json
from pathlib import Path

from tests.cli.golden_folders import bridge


def test_what_is_needed_works_here() -> None:
    result = bridge("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 0, result.output
    for name in ("Python", "numpy", "onnx", "onnxruntime", "cryptography", "CPUExecutionProvider"):
        assert (findings[name]["state"], findings[name]["required"]) == ("works", True)
    for name in ("CNTK 2.7", "PKCS #11", "SoftHSM 2", "Landlock", "seccomp", "user namespaces", "sealed memory", "bubblewrap"):
        assert findings[name]["state"] == "works" or findings[name]["advice"]


def test_table_says_what_to_do_about_the_rest() -> None:
    result = bridge("doctor")
    assert result.exit_code == 0, result.output
    assert "CUDAExecutionProvider" in result.stdout
    assert "ran a model" in result.stdout


def test_integrity_is_checked_and_locked(tmp_path: Path) -> None:
    assert bridge("keys", "new", "-o", tmp_path / "k", "--no-password").exit_code == 0
    made = bridge("doctor", "--library", "onnx", "--write-lock", tmp_path / "lock", "--key", tmp_path / "k")
    assert (made.exit_code, "lock written" in made.stdout) == (0, True), made.output
    held = bridge(
        "doctor", "--integrity", "--library", "onnx", "--lock", tmp_path / "lock", "--public-key", tmp_path / "k.pub", "--json"
    )
    answer = json.loads(held.stdout)
    assert (held.exit_code, answer["holds"], answer["libraries"][0]["how"]) == (0, True, "record")
    assert answer["locked_by"].startswith("key sha256:")
    more = bridge("doctor", "--library", "numpy", "--lock", tmp_path / "lock", "--public-key", tmp_path / "k.pub")
    assert (more.exit_code, "not-locked numpy" in more.stdout) == (1, True)


def test_lock_of_an_unknown_key_is_refused(tmp_path: Path) -> None:
    for name in ("k", "other"):
        assert bridge("keys", "new", "-o", tmp_path / name, "--no-password").exit_code == 0
    bridge("doctor", "--library", "rich", "--write-lock", tmp_path / "lock", "--key", tmp_path / "k")
    result = bridge("doctor", "--library", "rich", "--lock", tmp_path / "lock", "--public-key", tmp_path / "other.pub")
    assert result.exit_code == 3


def test_half_a_lock_is_bad_usage(tmp_path: Path) -> None:
    assert bridge("doctor", "--write-lock", tmp_path / "lock").exit_code == 2
    assert bridge("doctor", "--public-key", tmp_path / "k.pub").exit_code == 2
    assert bridge("doctor", "--lock", tmp_path / "lock").exit_code == 2
