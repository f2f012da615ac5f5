"""bridge.targets.write_failures: what the system refuses is told with advice."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bridge.errors import WriteError
from bridge.targets.write_failures import explained


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "No space left on device; free some space, or write to another disk"),
        (errno.EDQUOT, "free some space"),
        (errno.EACCES, "Permission denied; choose a folder that you may write to"),
        (errno.EROFS, "choose a folder that you may write to"),
        (errno.ENOENT, "create the folder first"),
        (errno.ENAMETOOLONG, "choose a shorter name"),
        (errno.EIO, "nothing that was written can be relied on"),
        (errno.ENODEV, "nothing was changed; try another folder"),
    ],
)
def test_reason_and_advice_are_told(number: int, advice: str) -> None:
    with pytest.raises(WriteError, match=rf"cannot write 'out/m\.onnx': .*{advice}") as caught, explained(Path("out/m.onnx")):
        raise OSError(number, os.strerror(number))
    assert isinstance(caught.value.__cause__, OSError)


def test_full_disk_is_told() -> None:
    with pytest.raises(WriteError, match="free some space"), explained(Path("full")):
        Path("/dev/full").write_bytes(b"x")


def test_part_of_the_path_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="a file where a folder has to be"), explained(tmp_path):
        (tmp_path / "file" / "m.onnx").touch()


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), explained(Path("m.onnx")):
        raise KeyError
