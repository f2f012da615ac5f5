"""``tensors.npz``, read without trusting it: no pickles, and no allocation that the file's own size does not justify."""

from __future__ import annotations

import hashlib
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidGoldenCaseError
from verify.equivalence.regular_file import open_regular

ARCHIVE_BYTES = 8 << 30
"""Bound on the decompressed size of all tensors of a case together."""

# What zipfile, zlib and numpy's header parser raise for bytes out of place; the last two come from Python's own tokenizer.
_DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    tokenize.TokenError,
)


class TensorArchive:
    """The tensors of a case by name, decompressed when asked for. ``sha256`` is the digest of the whole file, in hexadecimal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # Opened once: what the digest speaks of is what is read.
            self._stream = open_regular(path)
        except OSError as error:
            raise InvalidGoldenCaseError(f"{path}: not a readable .npz archive: {error}") from error
        try:
            self.sha256 = hashlib.file_digest(self._stream, "sha256").hexdigest()
            self._zip = zipfile.ZipFile(self._stream)
        except (OSError, zipfile.BadZipFile) as error:
            self._stream.close()
            raise InvalidGoldenCaseError(f"{path}: not a readable .npz archive: {error}") from error
        total = sum(member.file_size for member in self._zip.infolist())
        if total > ARCHIVE_BYTES:
            self._close()
            raise InvalidGoldenCaseError(f"{path}: {total} bytes of tensors; expected at most {ARCHIVE_BYTES}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        self._zip.close()
        self._stream.close()

    @property
    def names(self) -> frozenset[str]:
        """What can be read."""
        return frozenset(name.removesuffix(".npy") for name in self._zip.namelist() if name.endswith(".npy"))

    def read(self, name: str) -> npt.NDArray[np.generic]:
        """One tensor; ``InvalidGoldenCaseError`` where it is absent, damaged, or anything but an array of numbers."""
        try:
            member = self._zip.getinfo(f"{name}.npy")
            with self._zip.open(member) as stream:
                return _read_array(stream, member.file_size)
        except KeyError:
            raise InvalidGoldenCaseError(f"{self._path}: no tensor {name!r}, though case.json promises it") from None
        except _DAMAGE as error:
            raise InvalidGoldenCaseError(f"{self._path}: tensor {name!r} cannot be read: {error}") from error


def _read_array(stream: IO[bytes], stored_bytes: int) -> npt.NDArray[np.generic]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, column_major, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, column_major, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"version {version} of the npy format; expected (1, 0) or (2, 0)")
    if dtype.kind not in "fiub":
        raise ValueError(f"elements of {dtype}; expected numbers")
    if any(dimension < 0 for dimension in shape):
        raise ValueError(f"shape {shape} has a negative dimension")
    size = math.prod(shape) * dtype.itemsize
    if size != stored_bytes - stream.tell():
        raise ValueError(f"shape {shape} of {dtype} needs {size} bytes, {stored_bytes - stream.tell()} are stored")
    values: npt.NDArray[np.generic] = np.frombuffer(stream.read(size), dtype)
    return values.reshape(shape, order="F" if column_major else "C")
