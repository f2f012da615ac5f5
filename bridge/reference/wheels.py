"""Wheels of the lock: fetched by pip from whatever index it is configured with, or taken from a folder; the hash decides.

A wheel is read once, into memory, and hashed there. What is unpacked later are those bytes: the file is not opened again.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bridge.errors import ReferenceChangedError, ReferenceMissingError
from bridge.reference.interpreter import Interpreter
from bridge.reference.lock import Lock, LockedWheel

Progress = Callable[[str, int], None]
"""Called with what is being done and the number of bytes that are done of the step's total."""

_DOWNLOAD_SECONDS = 1800
_OPTIONS = ("download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-input", "--disable-pip-version-check")
_FOR_CNTK = ("--platform", "manylinux1_x86_64", "--python-version", "36", "--implementation", "cp", "--abi", "cp36m")


def fetch_wheels(lock: Lock, interpreter: Interpreter, folder: Path | None, progress: Progress) -> dict[LockedWheel, bytes]:
    """Every wheel of the lock, checked. From ``folder`` where one is named, from pip's index otherwise.

    Raises ``ReferenceMissingError`` for a wheel that cannot be had, ``ReferenceChangedError`` for one that is another file.
    """
    if folder is not None:
        return {wheel: read_wheel(folder / wheel.file, wheel) for wheel in lock.wheels}
    wheels = {}
    with tempfile.TemporaryDirectory(prefix="bridge-wheels-") as name:
        done = 0
        for wheel in lock.wheels:
            progress(f"downloading {wheel.file}", done)
            _download(wheel, interpreter, Path(name))
            wheels[wheel] = read_wheel(Path(name) / wheel.file, wheel)
            done += wheel.bytes
    return wheels


def read_wheel(path: Path, wheel: LockedWheel) -> bytes:
    """The bytes of a wheel, which are those of the lock.

    Raises ``ReferenceMissingError`` where there is no such file, ``ReferenceChangedError`` with the expected and the computed
    digest where it is another one.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(wheel.bytes + 1)  # A longer file is another one, however long it is.
    except OSError as error:
        raise ReferenceMissingError(
            f"{path}: cannot be read: {error.strerror}; expected the wheel {wheel.file} of {wheel.bytes} bytes"
        ) from error
    if len(data) != wheel.bytes:
        found = f"{len(data)} bytes" if len(data) < wheel.bytes else "a longer file"
        raise ReferenceChangedError(
            f"{path}: not the wheel of the lock: expected {wheel.bytes} bytes, found {found}; not installed"
        )
    computed = hashlib.sha256(data).hexdigest()
    if computed != wheel.sha256:
        raise ReferenceChangedError(
            f"{path}: not the wheel of the lock: expected SHA-256 {wheel.sha256}, computed {computed}; not installed"
        )
    return data


def _download(wheel: LockedWheel, interpreter: Interpreter, folder: Path) -> None:
    """Let pip download one wheel: this Python's, or that of CNTK's Python where this one has none."""
    requirements = folder / f"{wheel.project}.txt"
    requirements.write_text(f"{wheel.requirement}\n", encoding="utf-8")
    said = ""
    for python, options in ((sys.executable, _FOR_CNTK), (str(interpreter.path), ())):
        command = [python, "-m", "pip", *_OPTIONS, *options, "--dest", str(folder), "--requirement", str(requirements)]
        try:
            ran = subprocess.run(  # noqa: S603  # pip, with a requirement of the lock.
                command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_DOWNLOAD_SECONDS, text=True
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            said += f"\n  {python}: {error}"
            continue
        if (folder / wheel.file).is_file():
            return
        last = [line.strip() for line in (ran.stderr or ran.stdout).splitlines() if line.strip()][-1:] or ["no message"]
        said += f"\n  {python}: {last[0][:500]}"
    raise ReferenceMissingError(
        f"pip does not find {wheel.file}:{said}\n  fetch it elsewhere and name its folder with --wheels; only its SHA-256 counts"
    )
