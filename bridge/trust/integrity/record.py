"""RECORD: the list of files in an installed distribution, with their digests and sizes (PyPA, "Recording installed projects")."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import posixpath
from dataclasses import dataclass

from bridge.errors import InvalidBundleError

GREATEST_RECORD_BYTES = 64 << 20
_DIGEST_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One line. ``path`` is relative to the folder of installed packages; ``digest`` is hexadecimal, or ``None``."""

    path: str
    algorithm: str
    digest: str | None
    size: int | None


def read_record(data: bytes, *, what: str) -> tuple[RecordedFile, ...]:
    """The files that a RECORD lists. Raises ``InvalidBundleError`` where it departs from its form, or names a file twice."""
    if len(data) > GREATEST_RECORD_BYTES:
        raise InvalidBundleError("too long", field=what, expected=f"at most {GREATEST_RECORD_BYTES} bytes", found=str(len(data)))
    try:
        text = data.decode()
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidBundleError(f"no RECORD: {error}", field=what) from error
    files: dict[str, RecordedFile] = {}
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        file = _file(line, f"{what}, line {number}")
        if file.path in files:
            raise InvalidBundleError("a file that is listed twice", field=what, found=ascii(file.path[:200]))
        files[file.path] = file
    return tuple(files.values())


def _file(line: list[str], what: str) -> RecordedFile:
    if len(line) != 3 or not line[0] or "\0" in line[0]:
        raise InvalidBundleError("not a line of a RECORD", field=what, expected="path, digest, size")
    path, digest, size = line
    if size and not (size.isascii() and size.isdecimal() and len(size) < 16):
        raise InvalidBundleError("not a size", field=what, found=ascii(size[:40]))
    algorithm, value = _digest(digest, what) if digest else ("", None)
    return RecordedFile(posixpath.normpath(path), algorithm, value, int(size) if size else None)


def _digest(text: str, what: str) -> tuple[str, str]:
    algorithm, _, encoded = text.partition("=")
    length = _DIGEST_BYTES.get(algorithm)
    if length is None:
        known = ", ".join(_DIGEST_BYTES)
        raise InvalidBundleError("a digest that proves nothing", field=what, expected=known, found=ascii(algorithm[:40]))
    try:
        value = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != length:
        raise InvalidBundleError("not a digest", field=what, found=ascii(encoded[:100]))
    return algorithm, value.hex()
