"""Appending: the same roots on every storage, no entry twice, nothing signed on top of a damaged log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.errors import SignatureError, TransparencyLogError, WriteError
from bridge.trust.log.append import append_entries
from bridge.trust.log.audit import audit_log
from bridge.trust.log.checkpoint import read_checkpoint
from bridge.trust.log.hashing import EMPTY_ROOT, leaf_hash
from bridge.trust.log.inclusion import prove_entry
from bridge.trust.log.note_keys import NoteSigner
from bridge.trust.log.opening import create_log, open_log
from bridge.trust.log.proof_file import verify_proof
from bridge.trust.log.tree import nodes_of, root
from tests.trust.log.sample_logs import SIGNER, STORAGES, entries, entry, grown_log

SIZES = (1, 2, 3, 255, 256, 257, 512, 600)


@pytest.mark.parametrize("name", STORAGES)
def test_new_log_is_empty_and_signed(name: str, tmp_path: Path) -> None:
    storage = create_log(tmp_path / name, SIGNER)
    audit = audit_log(storage, keys=[SIGNER.key])
    assert (audit.checkpoint.size, audit.checkpoint.root, audit.signed_by) == (0, EMPTY_ROOT, SIGNER.key)


@pytest.mark.parametrize("name", STORAGES)
def test_root_after_every_append_is_that_of_the_entries(name: str, tmp_path: Path) -> None:
    storage = create_log(tmp_path / name, SIGNER)
    nodes = nodes_of([leaf_hash(value) for value in entries(0, 600)])
    for size in SIZES:
        appended = append_entries(storage, entries(0, size), SIGNER)
        assert appended.checkpoint.root == root(nodes, size)
        assert audit_log(storage, keys=[SIGNER.key]).checkpoint == appended.checkpoint


def test_both_storages_hold_the_same_resources(tmp_path: Path) -> None:
    folder, file = (grown_log(tmp_path / name, SIZES) for name in STORAGES)
    assert folder.read_checkpoint() == file.read_checkpoint()
    assert sorted(folder.stored_names()) == sorted(file.stored_names())


def test_full_tiles_take_the_place_of_their_partial_ones(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", SIZES)
    expected = {"tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/1", "tile/1/000.p/2"}
    expected |= {"tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"}
    assert set(storage.stored_names()) == expected
    assert {path.name for path in (tmp_path / "log/tile/0").iterdir()} == {"000", "001", "002.p"}


@pytest.mark.parametrize("name", STORAGES)
def test_entry_is_logged_once(name: str, tmp_path: Path) -> None:
    storage = grown_log(tmp_path / name, [3])
    appended = append_entries(storage, [entry(9), entry(1), entry(9)], SIGNER)
    assert (appended.indices, appended.added, appended.checkpoint.size) == ((3, 1, 3), 1, 4)
    assert append_entries(storage, [entry(9)], SIGNER).added == 0


@pytest.mark.parametrize("name", STORAGES)
def test_every_entry_of_a_log_is_proved(name: str, tmp_path: Path) -> None:
    storage = grown_log(tmp_path / name, [257, 300])
    for number in (0, 1, 255, 256, 299):
        proof = prove_entry(storage, entry(number))
        assert proof.index == number
        assert verify_proof(proof, entry(number), [SIGNER.key]).size == 300


def test_entry_that_is_not_there_has_no_proof(tmp_path: Path) -> None:
    with pytest.raises(TransparencyLogError, match=r"\(absent\).*bridge log append"):
        prove_entry(grown_log(tmp_path / "log", [3]), entry(7))


@pytest.mark.parametrize("name", STORAGES)
def test_opened_log_goes_on_where_it_was(name: str, tmp_path: Path) -> None:
    grown_log(tmp_path / name, [300]).close()
    storage = open_log(tmp_path / name)
    append_entries(storage, entries(300, 520), SIGNER)
    assert audit_log(storage, keys=[SIGNER.key]).checkpoint.root == root(nodes_of([leaf_hash(e) for e in entries(0, 520)]), 520)


def test_other_key_cannot_append(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [3])
    before = storage.read_checkpoint()
    with pytest.raises(SignatureError, match="not signed by a key that was given"):
        append_entries(storage, [entry(5)], NoteSigner(SIGNER.name, Ed25519PrivateKey.generate()))
    assert storage.read_checkpoint() == before


def test_nothing_is_appended_to_a_damaged_log(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [3])
    tile = tmp_path / "log/tile/0/000.p/3"
    tile.write_bytes(bytes(96))
    with pytest.raises(TransparencyLogError, match=r"\(rewritten\).*nothing was appended"):
        append_entries(storage, [entry(5)], SIGNER)
    assert read_checkpoint(storage.read_checkpoint()).checkpoint.size == 3


@pytest.mark.parametrize("name", STORAGES)
def test_log_is_not_made_over_something_else(name: str, tmp_path: Path) -> None:
    grown_log(tmp_path / name, [1])
    with pytest.raises(WriteError, match="cannot make a log"):
        create_log(tmp_path / name, SIGNER)


def test_no_log_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(TransparencyLogError, match="no log at"):
        open_log(tmp_path / "nothing")
    (tmp_path / "file").write_bytes(b"noise")
    with pytest.raises(TransparencyLogError, match="cannot read"):
        open_log(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(TransparencyLogError, match="no file 'checkpoint'"):
        open_log(tmp_path / "folder").read_checkpoint()


WRITER = """
import sys
from pathlib import Path
from bridge.trust.log.append import append_entries
from bridge.trust.log.opening import open_log
from tests.trust.log.sample_logs import SIGNER, entry
storage = open_log(Path(sys.argv[1]))
for number in range(12):
    append_entries(storage, [entry(int(sys.argv[2]) * 1000 + number)], SIGNER)
"""


@pytest.mark.parametrize("name", STORAGES)
def test_concurrent_writers_leave_no_gap(name: str, tmp_path: Path) -> None:
    storage = create_log(tmp_path / name, SIGNER)
    command = [sys.executable, "-c", WRITER, str(tmp_path / name)]
    root_folder = Path(__file__).parents[3]
    writers = [subprocess.Popen([*command, str(number)], cwd=root_folder) for number in range(3)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert audit_log(storage, keys=[SIGNER.key]).checkpoint.size == 36
    assert {prove_entry(storage, entry(w * 1000 + n)).index for w in range(3) for n in range(12)} == set(range(36))
