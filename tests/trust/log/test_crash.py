"""A crash at any point of an append leaves the log from before, or the log from after."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from bridge.trust.log.append import append_entries
from bridge.trust.log.audit import audit_log
from bridge.trust.log.folder_storage import FolderStorage
from tests.trust.log.lossy_disk import LossyDisk, PowerLossError
from tests.trust.log.sample_logs import SIGNER, STORAGES, entries, grown_log

ROOT = Path(__file__).parents[3]
BEFORE, AFTER = 254, 258


@pytest.mark.parametrize("name", STORAGES)
def test_process_killed_before_any_write_leaves_a_sound_log(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.trust.log.killed_appends", str(tmp_path), name]
    finished = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert finished.stderr == ""
    assert int(finished.stdout) > (30 if name == "log" else 12)


def append_until(log: Path, operations: int) -> tuple[LossyDisk, bool]:
    """A disk on which the power went before this many operations, and whether the append had returned by then."""
    disk = LossyDisk(log, operations)
    try:
        append_entries(FolderStorage(log, disk), entries(0, AFTER), SIGNER)
    except PowerLossError:
        return disk, False
    return disk, True


def sound_size(root: Path, kept: bytes) -> int:
    storage = FolderStorage(root)
    size = audit_log(storage, keys=[SIGNER.key], older=[("kept", kept)]).checkpoint.size
    append_entries(storage, entries(0, AFTER), SIGNER)
    assert audit_log(storage, keys=[SIGNER.key], older=[("kept", kept)]).checkpoint.size == AFTER
    storage.close()
    return size


def test_loss_of_power_leaves_a_sound_log_whatever_had_reached_the_disk(tmp_path: Path) -> None:
    storage = grown_log(tmp_path / "log", [BEFORE])
    kept = storage.read_checkpoint()
    found: set[int] = set()
    operations = 0
    returned = False
    while not returned:
        disk, returned = append_until(tmp_path / "log", operations)
        choices = [Random(seed) for seed in range(4)]  # noqa: S311 - what is lost, not keys
        for number, choice in enumerate((None, *choices)):
            root = tmp_path / f"{operations}-{number}"
            disk.after_power_loss(choice, root)
            size = sound_size(root, kept)
            # What was said to be appended is there.
            assert size in ((AFTER,) if returned else (BEFORE, AFTER))
            found.add(size)
        operations += 1
    assert found == {BEFORE, AFTER}
    assert operations > 25


def test_order_of_flushes_is_what_the_log_depends_on(tmp_path: Path) -> None:
    """The same disk finds a log that does not flush its folders: the test above tests something."""

    class Forgetful(LossyDisk):
        def flush_folder(self, name: str) -> None:
            if name == ".":
                super().flush_folder(name)

    grown_log(tmp_path / "log", [BEFORE])
    disk = Forgetful(tmp_path / "log", 1000)
    append_entries(FolderStorage(tmp_path / "log", disk), entries(0, AFTER), SIGNER)
    disk.after_power_loss(Random(0), tmp_path / "lost")  # noqa: S311 - likewise
    with pytest.raises(Exception, match="missing"):
        audit_log(FolderStorage(tmp_path / "lost"), keys=[SIGNER.key])
