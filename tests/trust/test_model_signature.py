"""bridge.trust.model_signature and signature_files: a model as it was signed, and every way in which it may not be."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.errors import IntegrityError, InvalidBundleError, InvalidOptionError, SignatureError, UnsafePathError, WriteError
from bridge.trust.bundle import read_bundle, sign_statement
from bridge.trust.hashing import hash_tree
from bridge.trust.keys import KeySigner, TrustedKey
from bridge.trust.manifest import Manifest, read_manifest
from bridge.trust.model_signature import sign_model, verify_model
from bridge.trust.signature_files import sign, verify
from bridge.trust.statement import Statement
from bridge.trust.tree import OpenedFile


def _statement(bundle: bytes) -> Statement:
    return Statement.from_bytes(read_bundle(bundle).payload)


@pytest.mark.parametrize(
    ("algorithm", "shard_size"), [("sha256", None), ("blake2b", None), ("sha256", 1000), ("blake2b", 256_000)]
)
def test_signed_folder_verifies(
    algorithm: str, shard_size: int | None, model: Path, signer: KeySigner, verifier: TrustedKey
) -> None:
    bundle = sign_model(model, signer, algorithm=algorithm, shard_size=shard_size)
    verified = verify_model(model, bundle, verifier)
    assert verified.files == hash_tree(model, algorithm=algorithm, shard_size=shard_size)
    assert verified.root_digest == _statement(bundle).subject[0].digest["sha256"]
    assert verified.name == "model"
    assert verified.identity.name == signer.identity


def test_signed_folder_verifies_with_blake3(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    pytest.importorskip("blake3", reason="the extra blake3 is not installed")
    bundle = sign_model(model, signer, algorithm="blake3")
    assert verify_model(model, bundle, verifier).files == hash_tree(model, algorithm="blake3")


def test_signed_file_verifies_wherever_it_is_moved(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = sign_model(model / "weights.bin", signer)
    moved = (model / "weights.bin").rename(model / "other.bin")
    verified = verify_model(moved, bundle, verifier)
    assert [file.name for file in verified.files] == ["."]
    moved.write_bytes(b"other")
    with pytest.raises(IntegrityError):
        verify_model(moved, bundle, verifier)


def test_single_file_signed_by_its_name_as_the_specification_has_it_verifies(
    model: Path, signer: KeySigner, verifier: TrustedKey
) -> None:
    for shard_size in (None, 1000):
        manifest = read_manifest(_statement(sign_model(model / "weights.bin", signer, shard_size=shard_size)))
        named = tuple(replace(file, name=f"weights.bin{file.name[1:]}") for file in manifest.resources)
        bundle = sign_statement(Manifest("sha256", shard_size, (), named).statement("weights.bin"), signer)
        assert verify_model(model / "weights.bin", bundle, verifier).files == named
        (model / "renamed").write_bytes((model / "weights.bin").read_bytes())
        with pytest.raises(IntegrityError, match=r"weights\.bin"):
            verify_model(model / "renamed", bundle, verifier)


def _swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _flip(path: Path, offset: int) -> None:
    octets = bytearray(path.read_bytes())
    octets[offset] ^= 1
    path.write_bytes(octets)


_CHANGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "first bit": (lambda path: _flip(path / "weights.bin", 0), "weights.bin", "changed: 'weights.bin'"),
    "last bit": (lambda path: _flip(path / "weights.bin", -1), "weights.bin", "changed"),
    "longer": (lambda path: (path / "config.json").write_bytes(b"{} "), "config.json", "changed"),
    "emptied": (lambda path: (path / "config.json").write_bytes(b""), "config.json", "changed"),
    "filled": (lambda path: (path / "empty").write_bytes(b"x"), "empty", "changed"),
    "removed": (lambda path: (path / "parts/one.bin").unlink(), "parts/one.bin", "missing: 'parts/one.bin'"),
    "added": (lambda path: (path / "parts/new.py").touch(), "parts/new.py", "not signed: 'parts/new.py'"),
    "added hidden": (lambda path: (path / ".hidden").touch(), ".hidden", "not signed"),
    "added by a name to be ignored at the top alone": (
        lambda path: (path / "parts/.git").write_bytes(b""),
        "parts/.git",
        "not signed",
    ),
    "renamed": (lambda path: (path / "config.json").rename(path / "Config.json"), "config.json", "renamed?"),
    "swapped": (
        lambda path: _swap(path / "parts/one.bin", path / "parts/deeper/two.bin"),
        "parts/deeper/two.bin",
        "'parts/one.bin'",
    ),
}


@pytest.mark.parametrize("change", _CHANGES)
def test_changed_folder_is_refused_with_the_file_s_name(
    change: str, model: Path, signer: KeySigner, verifier: TrustedKey
) -> None:
    bundle = sign_model(model, signer)
    apply, path, words = _CHANGES[change]
    apply(model)
    with pytest.raises(IntegrityError) as caught:
        verify_model(model, bundle, verifier)
    assert caught.value.path == path
    assert words in str(caught.value)


@pytest.mark.parametrize("change", [name for name in _CHANGES if name != "filled"])
def test_changed_folder_is_refused_where_files_are_in_pieces(
    change: str, model: Path, signer: KeySigner, verifier: TrustedKey
) -> None:
    bundle = sign_model(model, signer, shard_size=1000)
    _CHANGES[change][0](model)
    if change in {"added", "added hidden", "added by a name to be ignored at the top alone"}:
        # The format lists no empty files in pieces, so that one more of them cannot be told.
        (model / _CHANGES[change][1]).write_bytes(b"x")
    with pytest.raises(IntegrityError):
        verify_model(model, bundle, verifier)


def test_digests_that_differ_are_told(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = sign_model(model, signer)
    before = {file.name: file.digest for file in hash_tree(model)}
    _flip(model / "weights.bin", 5)
    after = {file.name: file.digest for file in hash_tree(model)}
    with pytest.raises(IntegrityError) as caught:
        verify_model(model, bundle, verifier)
    assert caught.value.expected == f"sha256:{before['weights.bin']}"
    assert caught.value.computed == f"sha256:{after['weights.bin']}"


def test_file_of_another_size_is_not_even_read_where_sizes_are_signed(
    model: Path, signer: KeySigner, verifier: TrustedKey
) -> None:
    bundle = sign_model(model, signer, shard_size=1000)
    os.truncate(model / "weights.bin", 1 << 40)
    with pytest.raises(IntegrityError, match="expected 256000 bytes, computed 1099511627776 bytes"):
        verify_model(model, bundle, verifier)


def test_nothing_of_the_statement_is_believed_before_the_signature_holds(model: Path, verifier: TrustedKey) -> None:
    stranger = KeySigner(ec.generate_private_key(ec.SECP256R1()))
    _flip(model / "weights.bin", 0)
    with pytest.raises(SignatureError):
        verify_model(model, sign_model(model, stranger), verifier)


def test_git_and_what_stands_beside_the_model_are_left_out(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = sign_model(model, signer, ignore=["cache"])
    (model / ".git" / "index").touch()
    (model / "claims.jsonl").touch()
    (model / "model.sig").write_bytes(bundle)
    (model / "cache").mkdir()
    (model / "cache" / "x").touch()
    verified = verify_model(model, bundle, verifier)
    assert set(verified.left_out) >= {".git", ".gitignore", ".gitattributes", ".github", "claims.jsonl", "model.sig", "cache"}
    (model / "cache2").touch()
    with pytest.raises(IntegrityError, match="cache2"):
        verify_model(model, bundle, verifier)


def test_caller_may_leave_out_more_but_no_signed_file(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = sign_model(model, signer)
    (model / "notes").touch()
    assert "notes" in verify_model(model, bundle, verifier, ignore=["notes"]).left_out
    _flip(model / "weights.bin", 0)
    with pytest.raises(IntegrityError, match=r"weights\.bin"):
        verify_model(model, bundle, verifier, ignore=["notes", "weights.bin"])


@pytest.mark.parametrize("name", ["*.bin", "/abs", "../up", "a/", "", "a[0]"])
def test_path_to_leave_out_has_to_be_exact(name: str, model: Path, signer: KeySigner) -> None:
    with pytest.raises(InvalidOptionError, match="cannot leave out"):
        sign_model(model, signer, ignore=[name])


def test_folder_without_files_cannot_be_signed(tmp_path: Path, signer: KeySigner) -> None:
    (tmp_path / "m" / ".git").mkdir(parents=True)
    (tmp_path / "m" / ".git" / "x").touch()
    with pytest.raises(UnsafePathError, match="nothing to sign"):
        sign_model(tmp_path / "m", signer)


@pytest.mark.parametrize("shard_size", [0, -5, 1 << 60])
def test_size_of_pieces_is_checked(shard_size: int, model: Path, signer: KeySigner) -> None:
    with pytest.raises(InvalidOptionError, match="no size of shards"):
        sign_model(model, signer, shard_size=shard_size)


def test_link_added_after_signing_is_refused(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = sign_model(model, signer)
    (model / "weights.bin").rename(model.parent / "weights.bin")
    (model / "weights.bin").symlink_to(model.parent / "weights.bin")
    with pytest.raises(UnsafePathError, match="symbolic link"):
        verify_model(model, bundle, verifier)


def test_bytes_that_were_verified_are_those_that_were_taken(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    bundle = sign_model(model, signer)
    good = (model / "weights.bin").read_bytes()
    taken: dict[str, bytes] = {}

    def take(file: OpenedFile) -> memoryview:
        taken[file.name] = os.pread(file.descriptor, file.size, 0)
        if file.name == "weights.bin":
            # The attacker is quick: once the file has been read, another stands in its place.
            (model / "evil").write_bytes(b"evil" * 64_000)
            (model / "evil").replace(model / "weights.bin")
        return memoryview(taken[file.name])

    verified = verify_model(model, bundle, verifier, take=take)
    assert {file.digest for file in verified.files} == {hashlib.sha256(octets).hexdigest() for octets in taken.values()}
    assert taken["weights.bin"] == good


def test_signature_is_written_where_it_is_looked_for(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    signed = sign(model, signer)
    assert signed.signature_path == model / "model.sig"
    assert verify(model, verifier).root_digest == signed.root_digest
    signed = sign(model / "weights.bin", signer)
    assert signed.signature_path == model / "weights.bin.sig"
    assert verify(model / "weights.bin", verifier).root_digest == signed.root_digest


def test_signature_elsewhere_in_the_folder_is_no_part_of_it(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    place = model / "parts" / "my.sig"
    sign(model, signer, signature=place)
    assert "parts/my.sig" in verify(model, verifier, signature=place).left_out
    outside = model.parent / "outside.sig"
    sign(model, signer, signature=outside, ignore=["parts/my.sig"])
    assert "parts/my.sig" in verify(model, verifier, signature=outside).left_out


def test_signature_is_not_overwritten_unasked(model: Path, signer: KeySigner, verifier: TrustedKey) -> None:
    sign(model, signer)
    before = (model / "model.sig").read_bytes()
    with pytest.raises(WriteError, match="signature already"):
        sign(model, signer)
    assert (model / "model.sig").read_bytes() == before
    sign(model, signer, overwrite=True)
    assert (model / "model.sig").read_bytes() != before
    assert verify(model, verifier).name == "model"


def test_unsigned_model_is_refused_as_such(model: Path, verifier: TrustedKey) -> None:
    for path in (model, model / "weights.bin"):
        with pytest.raises(InvalidBundleError, match="is not signed"):
            verify(path, verifier)


def test_model_named_by_a_dot_is_called_by_its_folder(
    model: Path, signer: KeySigner, verifier: TrustedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model)
    sign(".", signer)
    assert verify(".", verifier).name == "model"
    assert _statement((model / "model.sig").read_bytes()).subject[0].name == "model"
