"""bridge keys, bridge sign and bridge verify, as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner, Result

from bridge.cli.app import app
from tests.trust.authority import AUTHORITY, DAY, NOW, Holder, certify, revocation_list

_PASSWORD = "correct horse"  # noqa: S105 - Of keys that live as long as a test.


def _bridge(*arguments: str | Path, environment: dict[str, str | None] | None = None) -> Result:
    """The command's result. Whatever happens, it is no traceback."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"weights" * 1000)
    (folder / "config.json").write_bytes(b"{}")
    return folder


@pytest.fixture
def key(tmp_path: Path) -> Path:
    assert _bridge("keys", "new", "-o", tmp_path / "key", "--no-password").exit_code == 0
    return tmp_path / "key"


def _public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def test_signed_folder_verifies_and_a_changed_one_exits_3(model: Path, key: Path) -> None:
    signed = _bridge("sign", model, "--key", key)
    assert signed.exit_code == 0, signed.output
    assert "2 file(s), sha256" in signed.output
    verified = _bridge("verify", model, "--public-key", _public(key))
    assert verified.exit_code == 0, verified.output
    assert "signed by" in verified.output
    (model / "config.json").write_bytes(b"[]")
    refused = _bridge("verify", model, "--public-key", _public(key))
    assert refused.exit_code == 3
    assert "config.json: not what was signed" in refused.output


def test_json_has_the_root_digest_the_signer_and_the_files(model: Path, key: Path) -> None:
    signed = json.loads(_bridge("sign", model, "--key", key, "--json").stdout)
    verified = json.loads(_bridge("verify", model, "--public-key", _public(key), "--json").stdout)
    assert verified["verified"] is True
    assert verified["root_digest"] == signed["root_digest"]
    assert [file["name"] for file in verified["files"]] == ["config.json", "weights.bin"]
    assert verified["identity"]["fingerprint"] == json.loads(_bridge("keys", "show", key, "--json").stdout)[0]["fingerprint"]
    (model / "new").touch()
    refused = json.loads(_bridge("verify", model, "--public-key", _public(key), "--json").stdout)
    assert refused["error"] == "IntegrityError"


def test_single_file_gets_its_signature_beside_it(model: Path, key: Path) -> None:
    assert _bridge("sign", model / "weights.bin", "--key", key).exit_code == 0
    assert (model / "weights.bin.sig").exists()
    assert _bridge("verify", model / "weights.bin", "--public-key", _public(key)).exit_code == 0


@pytest.mark.parametrize("options", [["--algorithm", "blake2b"], ["--shard-size", "1000"]])
def test_other_digests_and_pieces_are_recognised(options: list[str], model: Path, key: Path) -> None:
    assert _bridge("sign", model, "--key", key, *options).exit_code == 0
    assert _bridge("verify", model, "--public-key", _public(key)).exit_code == 0


def test_ignored_paths_and_another_place_for_the_signature(model: Path, key: Path) -> None:
    place = model / "signatures" / "mine"
    place.parent.mkdir()
    assert _bridge("sign", model, "--key", key, "--ignore", "notes.txt", "-o", place).exit_code == 0
    (model / "notes.txt").touch()
    command = ("verify", model, "--public-key", _public(key), "--signature", place)
    assert _bridge(*command).exit_code == 0
    (model / "later.txt").touch()
    assert _bridge(*command).exit_code == 3
    verified = _bridge(*command, "--ignore", "later.txt")
    assert verified.exit_code == 0
    assert "not covered" in verified.output
    assert "later.txt" in verified.output


def test_signature_is_overwritten_by_force_alone(model: Path, key: Path) -> None:
    assert _bridge("sign", model, "--key", key).exit_code == 0
    refused = _bridge("sign", model, "--key", key)
    assert (refused.exit_code, "--force" in refused.output) == (2, True)
    assert _bridge("sign", model, "--key", key, "--force").exit_code == 0


def test_password_comes_from_a_file_or_the_environment(model: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{_PASSWORD}\n")
    made = _bridge("keys", "new", "-o", tmp_path / "key", "--password-file", tmp_path / "password")
    assert "not encrypted" not in made.output
    with_file = ("sign", model, "--key", tmp_path / "key", "--force", "--password-file", tmp_path / "password")
    assert _bridge(*with_file).exit_code == 0
    assert _bridge(*with_file[:5], environment={"BRIDGE_KEY_PASSWORD": _PASSWORD}).exit_code == 0
    assert _bridge(*with_file[:5], environment={"BRIDGE_KEY_PASSWORD": "wrong horse"}).exit_code == 3
    without = _bridge(*with_file[:5])
    assert (without.exit_code, "BRIDGE_KEY_PASSWORD" in without.output) == (3, True)


def test_new_key_needs_a_password_or_the_word_that_it_has_none(tmp_path: Path) -> None:
    refused = _bridge("keys", "new", "-o", tmp_path / "key")
    assert (refused.exit_code, "--no-password" in refused.output) == (2, True)
    assert not (tmp_path / "key").exists()
    (tmp_path / "empty").touch()
    assert _bridge("keys", "new", "-o", tmp_path / "key", "--password-file", tmp_path / "empty").exit_code == 2


def test_existing_key_is_kept(key: Path) -> None:
    before = key.read_bytes()
    assert _bridge("keys", "new", "-o", key, "--no-password").exit_code == 2
    assert key.read_bytes() == before


@pytest.mark.parametrize("curve", ["p256", "p384", "p521"])
def test_key_is_shown_as_signatures_call_it(curve: str, model: Path, tmp_path: Path) -> None:
    made = json.loads(_bridge("keys", "new", "-o", tmp_path / "key", "--curve", curve, "--no-password", "--json").stdout)
    signed = json.loads(_bridge("sign", model, "--key", tmp_path / "key", "--json").stdout)
    assert signed["identity"] == f"key sha256:{made['fingerprint']}"
    assert made["fingerprint"] in _bridge("keys", "show", tmp_path / "key.pub").output


def _certified(folder: Path, leaf: Holder, *others: Holder) -> list[str | Path]:
    (folder / "chain.pem").write_bytes(b"".join(holder.pem for holder in (leaf, *others)))
    return ["--key", leaf.write_key(folder / "leaf"), "--certificate-chain", folder / "chain.pem"]


def test_certificates_revocation_and_trusted_time(model: Path, tmp_path: Path) -> None:
    root = certify("root", extensions=AUTHORITY)
    middle = certify("middle", by=root, extensions=AUTHORITY)
    leaf = certify("signer", by=middle)
    (tmp_path / "root.pem").write_bytes(root.pem)
    signed = _bridge("sign", model, *_certified(tmp_path, leaf, middle))
    assert "CN=signer" in signed.output
    verify = ("verify", model, "--trusted-root", tmp_path / "root.pem")
    assert "CN=signer" in _bridge(*verify).output
    before, after = (NOW - DAY / 2).isoformat(), (NOW + 300 * DAY).isoformat()
    for at, code in ((before, 0), (after, 3), ("yesterday", 2), ("2026-01-01T00:00:00", 2)):
        assert _bridge(*verify, "--at", at).exit_code == code
    for revoked, code in (((), 0), ((leaf.certificate,), 3)):
        data = revocation_list(middle, *revoked).public_bytes(serialization.Encoding.PEM)
        (tmp_path / "list.pem").write_bytes(data)
        assert _bridge(*verify, "--crl", tmp_path / "list.pem").exit_code == code
    assert "CN=signer" in _bridge("keys", "show", tmp_path / "chain.pem").output


def test_one_of_several_trusted_keys_and_roots_suffices(model: Path, key: Path, tmp_path: Path) -> None:
    _bridge("keys", "new", "-o", tmp_path / "other", "--no-password")
    (tmp_path / "root.pem").write_bytes(certify("root", extensions=AUTHORITY).pem)
    _bridge("sign", model, "--key", key)
    others = ("--public-key", tmp_path / "other.pub", "--trusted-root", tmp_path / "root.pem")
    assert _bridge("verify", model, *others).exit_code == 3
    assert _bridge("verify", model, *others, "--public-key", _public(key)).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "{model}"],
        ["verify", "{model}", "--public-key", "{model}/nothing"],
        ["verify", "{model}/nothing", "--public-key", "{key}.pub"],
        ["verify", "{model}", "--public-key", "{key}.pub", "--at", "2026-01-01T00:00:00Z"],
        ["verify", "{model}", "--public-key", "{key}.pub", "--signature", "{model}/nothing"],
        ["sign", "{model}"],
        ["sign", "{model}", "--key", "{key}", "--pkcs11-uri", "pkcs11:object=k"],
        ["sign", "{model}", "--pkcs11-uri", "pkcs11:object=k"],
        ["sign", "{model}", "--key", "{key}", "--ignore", "*.bin"],
        ["sign", "{model}", "--key", "{key}", "--shard-size", "0"],
        ["sign", "{model}", "--key", "{key}", "--algorithm", "md5"],
        ["sign", "{model}", "--key", "{key}", "-o", "{model}"],
        ["sign", "{model}", "--key", "{key}", "-o", "/nowhere/model.sig"],
        ["sign", "{model}", "--key", "{model}/nothing"],
    ],
)
def test_mistakes_of_the_caller_exit_2(arguments: list[str], model: Path, key: Path) -> None:
    assert _bridge(*(argument.format(model=model, key=key) for argument in arguments)).exit_code == 2


def test_unsigned_and_foreign_bytes_exit_3(model: Path, key: Path) -> None:
    unsigned = _bridge("verify", model, "--public-key", _public(key))
    assert (unsigned.exit_code, "is not signed" in unsigned.output) == (3, True)
    for noise in (b"", b"{}", os.urandom(100), b'{"mediaType": 1, "mediaType": 2}'):
        (model / "model.sig").write_bytes(noise)
        assert _bridge("verify", model, "--public-key", _public(key)).exit_code == 3


def test_name_of_a_file_does_not_steer_the_terminal(model: Path, key: Path) -> None:
    _bridge("sign", model, "--key", key)
    (model / "\x1b[31mred").touch()
    refused = _bridge("verify", model, "--public-key", _public(key))
    assert refused.exit_code == 3
    assert "\x1b" not in refused.output


def test_signing_imports_neither_numpy_nor_onnx(model: Path, key: Path) -> None:
    code = (
        "import sys\nfrom bridge.cli.app import app\n"
        f"app(['sign', {str(model)!r}, '--key', {str(key)!r}], standalone_mode=False)\n"
        "heavy = {'numpy', 'onnx', 'onnxruntime', 'rich.table', 'cryptography.x509', 'jsonschema'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_facade_signs_and_verifies(model: Path, key: Path) -> None:
    import bridge
    from bridge.trust.keys import load_private_key, load_public_key

    signed = bridge.sign(model, load_private_key(key, None))
    assert bridge.verify(model, load_public_key(_public(key))).root_digest == signed.root_digest
