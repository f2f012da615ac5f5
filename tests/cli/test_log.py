"""``bridge log``: from statements to a log, to proofs, to their verification."""

import json
from pathlib import Path

import pytest

from bridge.trust.bundle import sign_statement
from bridge.trust.key_files import new_key_pair
from bridge.trust.keys import load_private_key
from bridge.trust.statement import Statement, Subject
from tests.cli.golden_folders import bridge


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """Three signed statements, one on each line."""
    new_key_pair(tmp_path / "signer.key", password=None)
    signer = load_private_key(tmp_path / "signer.key", None)
    about = (Subject("model.onnx", {"sha256": "ab" * 32}),)
    bundles = [sign_statement(Statement(about, "https://example.org/said/v1", {"number": n}), signer) for n in range(3)]
    (tmp_path / "claims.jsonl").write_bytes(b"".join(bundle + b"\n" for bundle in bundles))
    return tmp_path / "claims.jsonl"


@pytest.fixture(params=["log", "log.sqlite"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    made = bridge("log", "init", path, "--origin", "example.org/log", "--private-key", tmp_path / "log.key", "--no-password")
    assert made.exit_code == 0, made.output
    return path


def appended(log: Path, *sources: Path) -> None:
    result = bridge("log", "append", log, *sources, "--private-key", log.with_name("log.key"))
    assert result.exit_code == 0, result.output


def test_statements_are_appended_proved_and_verified(log: Path, claims: Path, tmp_path: Path) -> None:
    appended(log, claims)
    proof, public = tmp_path / "second.tlog-proof", tmp_path / "log.key.pub"
    assert bridge("log", "prove", log, claims, "--line", "2", "-o", proof).exit_code == 0
    verified = bridge("log", "verify", "--proof", proof, "--bundle", claims, "--line", "2", "--public-key", public)
    assert (verified.exit_code, "entry 1 of the log example.org/log, among 3" in verified.stdout) == (0, True)
    other = bridge("log", "verify", "--proof", proof, "--bundle", claims, "--line", "1", "--public-key", public)
    assert (other.exit_code, "the entry is not shown to be in the log" in other.stderr) == (3, True)


def test_appending_again_adds_nothing(log: Path, claims: Path) -> None:
    appended(log, claims)
    result = bridge("log", "append", log, claims, claims, "--private-key", log.with_name("log.key"), "--json")
    answer = json.loads(result.stdout)
    assert (answer["added"], answer["checkpoint"]["size"]) == (0, 3)
    assert [entry["index"] for entry in answer["entries"]] == [0, 1, 2, 0, 1, 2]


def test_whole_package_is_appended(log: Path, claims: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    lines = claims.read_bytes().splitlines()
    (package / "model.sig").write_bytes(lines[0])
    (package / "claims.jsonl").write_bytes(b"\n".join(lines[1:]) + b"\n")
    appended(log, package)
    result = bridge("log", "verify", log, "--public-key", tmp_path / "log.key.pub", "--json")
    assert json.loads(result.stdout)["log"]["size"] == 3


def test_remembered_checkpoint_finds_a_log_that_was_put_back(claims: Path, tmp_path: Path) -> None:
    log, public, kept = tmp_path / "log", tmp_path / "log.key.pub", tmp_path / "kept"
    bridge("log", "init", log, "--origin", "example.org/log", "--private-key", tmp_path / "log.key", "--no-password")
    empty = (log / "checkpoint").read_bytes()
    appended(log, claims)
    assert bridge("log", "verify", log, "--public-key", public, "--remember", kept).exit_code == 0
    assert kept.read_bytes() == (log / "checkpoint").read_bytes()
    (log / "checkpoint").write_bytes(empty)
    result = bridge("log", "verify", log, "--public-key", public, "--remember", kept)
    assert (result.exit_code, "transparency log (rollback)" in result.stderr) == (3, True)
    assert kept.read_bytes() != empty


def test_log_without_trusted_key_is_bad_usage_unless_that_is_meant(log: Path) -> None:
    assert bridge("log", "verify", log).exit_code == 2
    result = bridge("log", "verify", log, "--allow-unsigned")
    assert (result.exit_code, "NOT LOOKED AT" in result.stdout) == (0, True)


def test_missing_witness_is_refused(log: Path) -> None:
    result = bridge("log", "verify", log, "--public-key", log.with_name("log.key.pub"), "--require-witnesses", "1")
    assert (result.exit_code, "transparency log (witnesses)" in result.stderr) == (3, True)


def test_what_is_no_bundle_is_not_logged(log: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.jsonl"
    noise.write_text('{"mediaType": 1}\n')
    result = bridge("log", "append", log, noise, "--private-key", tmp_path / "log.key")
    assert (result.exit_code, "noise.jsonl:1" in result.stderr) == (3, True)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--proof", "CLAIMS"),
        ("--proof", "CLAIMS", "--bundle", "CLAIMS"),
    ],
)
def test_half_a_question_is_bad_usage(arguments: tuple[str, ...], claims: Path) -> None:
    given = [claims if argument == "CLAIMS" else argument for argument in arguments]
    assert bridge("log", "verify", *given).exit_code in {2, 3}


def test_encrypted_key_appends_with_its_password(claims: Path, tmp_path: Path) -> None:
    log, password = tmp_path / "log", tmp_path / "password"
    password.write_text("correct horse\n")
    options = ("--private-key", tmp_path / "log.key", "--password-file", password)
    assert bridge("log", "init", log, "--origin", "example.org/log", *options).exit_code == 0
    assert b"ENCRYPTED" in (tmp_path / "log.key").read_bytes()
    assert bridge("log", "append", log, claims, *options).exit_code == 0
    without = bridge("log", "append", log, claims, "--private-key", tmp_path / "log.key")
    assert (without.exit_code, "the key is encrypted" in without.stderr) == (3, True)


def test_nothing_is_overwritten(log: Path, tmp_path: Path) -> None:
    again = bridge("log", "init", tmp_path / "other", "--origin", "o", "--private-key", tmp_path / "log.key", "--no-password")
    assert (again.exit_code, "never overwritten" in again.stderr) == (2, True)
    assert not (tmp_path / "other").exists()
    onto = bridge("log", "init", log, "--origin", "o", "--private-key", tmp_path / "new.key", "--no-password")
    assert onto.exit_code == 2
