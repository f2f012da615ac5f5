"""The audit: every way to change a log is found, and called by its name."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.errors import BridgeError, InvalidBundleError, SignatureError, TransparencyLogError
from bridge.trust.log.append import append_entries
from bridge.trust.log.audit import Audit, audit_log
from bridge.trust.log.note_keys import NoteSigner
from bridge.trust.log.opening import create_log, open_log
from bridge.trust.log.storage import Storage
from tests.trust.log.sample_logs import SIGNER, STORAGES, entries, entry, grown_log


def audited(storage: Storage, **kept: bytes) -> Audit:
    return audit_log(storage, keys=[SIGNER.key], older=list(kept.items()))


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(TransparencyLogError) as caught:
        call()
    return caught.value.reason


@pytest.mark.parametrize("name", STORAGES)
def test_log_that_grew_continues_every_older_checkpoint(name: str, tmp_path: Path) -> None:
    storage = create_log(tmp_path / name, SIGNER)
    older: dict[str, bytes] = {}
    for size in (0, 1, 7, 255, 256, 300):
        append_entries(storage, entries(0, size), SIGNER)
        older[f"kept{size}"] = storage.read_checkpoint()
    audit = audited(storage, **older)
    assert [checkpoint.size for checkpoint in audit.older] == [0, 1, 7, 255, 256, 300]
    assert (audit.uncommitted, audit.signed_by) == ((), SIGNER.key)


def test_without_a_key_the_audit_says_that_nobody_signed(tmp_path: Path) -> None:
    assert audit_log(grown_log(tmp_path / "log", [3]), keys=[]).signed_by is None


def test_other_key_is_refused(tmp_path: Path) -> None:
    stranger = NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    with pytest.raises(SignatureError, match="not signed by a key that was given"):
        audit_log(grown_log(tmp_path / "log", [3]), keys=[stranger.key])


def test_log_that_was_put_back_is_a_rollback(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [3])
    shutil.copytree(tmp_path / "log", tmp_path / "backup")
    append_entries(storage, entries(3, 8), SIGNER)
    kept = storage.read_checkpoint()
    assert reason_of(lambda: audited(open_log(tmp_path / "backup"), kept=kept)) == "rollback"


def test_truncated_log_is_a_rollback_or_has_gaps(tmp_path: Path) -> None:
    old, new = grown_log(tmp_path / "old", [3]), grown_log(tmp_path / "log", [3, 8])
    kept = new.read_checkpoint()
    shutil.rmtree(tmp_path / "log/tile")
    shutil.copytree(tmp_path / "old/tile", tmp_path / "log/tile")
    assert reason_of(lambda: audited(new)) == "missing"
    (tmp_path / "log/checkpoint").write_bytes(old.read_checkpoint())
    assert reason_of(lambda: audited(new, kept=kept)) == "rollback"


def test_two_versions_of_the_same_size_are_a_fork(tmp_path: Path) -> None:
    one, other = (create_log(tmp_path / name, SIGNER) for name in ("one", "other"))
    append_entries(one, entries(0, 5), SIGNER)
    append_entries(other, [*entries(0, 4), entry(99)], SIGNER)
    assert reason_of(lambda: audited(one, kept=other.read_checkpoint())) == "fork"


def test_changed_past_under_a_good_signature_is_a_rewrite(tmp_path: Path) -> None:
    """Whoever has the key can make a log that is sound in itself; the checkpoint that somebody kept says what it was."""
    one, other = (create_log(tmp_path / name, SIGNER) for name in ("one", "other"))
    append_entries(one, entries(0, 5), SIGNER)
    append_entries(other, [entry(99), *entries(1, 9)], SIGNER)
    audited(other)
    assert reason_of(lambda: audited(other, kept=one.read_checkpoint())) == "rewritten"


def test_checkpoint_of_another_log_is_none_of_this_one(tmp_path: Path) -> None:
    stranger = NoteSigner("example.org/other", SIGNER.private_key)
    other = create_log(tmp_path / "other", stranger)
    log = grown_log(tmp_path / "log", [3])
    kept = other.read_checkpoint()
    assert reason_of(lambda: audit_log(log, keys=[SIGNER.key, stranger.key], older=[("kept", kept)])) == "origin"


def test_kept_checkpoint_that_was_forged_is_refused(tmp_path: Path) -> None:
    log = grown_log(tmp_path / "log", [3])
    with pytest.raises(SignatureError, match="kept: the signature"):
        audited(log, kept=log.read_checkpoint().replace(b"\n3\n", b"\n4\n"))


def test_every_changed_byte_in_a_folder_is_found(tmp_path: Path) -> None:
    """One bit in each of the bytes of a small log; of a larger one, in every 61st."""
    for size, step in ((3, 1), (300, 61)):
        storage = grown_log(tmp_path / f"log{size}", [size])
        files = [tmp_path / f"log{size}" / name for name in (*storage.stored_names(), "checkpoint")]
        assert len(files) == (3 if size == 3 else 6)
        for file in files:
            sound = file.read_bytes()
            for place in range(0, len(sound), step):
                file.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << place % 8]) + sound[place + 1 :])
                with pytest.raises((TransparencyLogError, InvalidBundleError, SignatureError)):
                    audited(storage)
            for changed in (sound[:-1], sound + b"\0", b""):
                file.write_bytes(changed)
                with pytest.raises((TransparencyLogError, InvalidBundleError, SignatureError)):
                    audited(storage)
            file.write_bytes(sound)
        audited(storage)


def test_partial_tile_that_is_kept_beside_the_full_one_is_checked_too(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [300])
    leftover = tmp_path / "log/tile/0/000.p/7"
    leftover.parent.mkdir()
    leftover.write_bytes((tmp_path / "log/tile/0/000").read_bytes()[: 7 * 32])
    audited(storage)
    leftover.write_bytes(bytes(7 * 32))
    assert reason_of(lambda: audited(storage)) == "tile"


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"])
def test_removed_tile_is_missed(name: str, tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [300])
    (tmp_path / "log" / name).unlink()
    assert reason_of(lambda: audited(storage)) == "missing"


def test_swapped_entries_are_found(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [3])
    bundle = tmp_path / "log/tile/entries/000.p/3"
    data = bundle.read_bytes()
    bundle.write_bytes(data[34:68] + data[:34] + data[68:])
    assert reason_of(lambda: audited(storage)) == "rewritten"


def test_what_an_interrupted_append_left_is_named_and_harmless(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [3])
    (tmp_path / "log/tile/0/000.p/9").write_bytes(bytes(9 * 32))
    assert audited(storage).uncommitted == ("tile/0/000.p/9",)
    append_entries(storage, entries(3, 9), SIGNER)
    assert audited(storage).uncommitted == ()


def test_stranger_among_the_tiles_is_refused(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [3])
    (tmp_path / "log/tile/0/readme").write_bytes(b"")
    with pytest.raises(InvalidBundleError, match="not the path of a tile"):
        audited(storage)


@pytest.mark.parametrize("what", ["link", "pipe", "folder", "huge"])
def test_tile_that_is_no_small_regular_file_is_refused(what: str, tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [3])
    tile = tmp_path / "log/tile/0/000.p/3"
    sound = tile.read_bytes()
    tile.unlink()
    if what == "link":
        (tmp_path / "elsewhere").write_bytes(sound)
        tile.symlink_to(tmp_path / "elsewhere")
    elif what == "pipe":
        os.mkfifo(tile)
    elif what == "folder":
        tile.mkdir()
    else:
        tile.write_bytes(bytes(1 << 20))
    with pytest.raises(BridgeError):
        audited(storage)


def test_hostile_size_ends_at_the_first_missing_tile(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [3])
    path = tmp_path / "log/checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n3\n", b"\n4000000000000000000\n"))
    with pytest.raises(TransparencyLogError, match="missing"):
        audit_log(storage, keys=[])


def edited(path: Path, *statements: str) -> None:
    """The file as somebody edits it who drops the triggers first and puts them back."""
    connection = sqlite3.connect(path)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE tiles SET data = zeroblob(96) WHERE path = 'tile/0/000.p/3'", "tile"),
        ("UPDATE tiles SET data = CAST(data || x'00' AS BLOB) WHERE path = 'tile/0/000.p/3'", "tile"),
        ("UPDATE tiles SET data = 'text' WHERE path = 'tile/0/000.p/3'", "storage"),
        ("DELETE FROM tiles WHERE path = 'tile/0/000.p/3'", "missing"),
        ("DELETE FROM tiles WHERE path LIKE 'tile/entries/%'", "missing"),
        ("DELETE FROM checkpoints WHERE number > 1", "rollback"),
        ("DELETE FROM checkpoints", "storage"),
        ("CREATE VIEW sneaky AS SELECT 1", "storage"),
    ],
)
def test_edited_database_is_found(statement: str, reason: str, tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log.sqlite", [3])
    kept = storage.read_checkpoint()
    storage.close()
    edited(tmp_path / "log.sqlite", statement)
    assert reason_of(lambda: audited(open_log(tmp_path / "log.sqlite"), kept=kept)) == reason


def test_every_flipped_byte_of_a_database_is_found_or_changes_nothing(tmp_path: Path) -> None:
    """Free space of a page is nobody's; whatever else is flipped is refused without a traceback."""
    storage = grown_log(tmp_path / "log.sqlite", [3])
    kept = storage.read_checkpoint()
    storage.close()
    path = tmp_path / "log.sqlite"
    sound = path.read_bytes()
    refused = 0
    for place in range(0, len(sound), 41):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        try:
            audited(open_log(path), kept=kept)
        except BridgeError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tiles SET data = x'00'",
        "DELETE FROM tiles",
        "UPDATE checkpoints SET note = x'00'",
        "DELETE FROM checkpoints",
    ],
)
def test_database_refuses_what_a_log_never_does(statement: str, tmp_path: Path) -> None:
    grown_log(tmp_path / "log.sqlite", [300]).close()
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
