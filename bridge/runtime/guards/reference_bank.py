"""The features of clean samples that the distribution guard knows, with its threshold, as one ``.npz``."""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidPackageError

BANK_BYTES_AT_MOST: Final = 1 << 28
_PRODUCTS_AT_ONCE: Final = 1 << 22
_HEADER_CHARACTERS: Final = 4096
_FEATURES: Final = "features"
_NUMBERS: Final = ("threshold", "neighbours", "false_alarm_rate", "calibration_samples")
# What zipfile and numpy's parser of headers raise for bytes out of place; the last ones come from Python's own tokenizer.
_DAMAGE: Final = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReferenceBank:
    """``features`` ``[B, D]`` float32, each of length 1.

    A sample is far when its ``neighbours``-th nearest is further than ``threshold``.

    ``false_alarm_rate`` is the share of clean samples that the threshold was set to refuse, measured on ``calibration_samples``
    that are not in the bank.
    """

    features: Floats
    threshold: float
    neighbours: int
    false_alarm_rate: float
    calibration_samples: int

    def distances(self, features: npt.NDArray[Any]) -> Doubles:
        """The distance of each row of ``features`` ``[N, ...]`` to its k-th nearest in the bank, between 0 and 2."""
        rows = unit_rows(features)
        step = max(1, _PRODUCTS_AT_ONCE // len(self.features))
        parts = [self._distances(rows[begin : begin + step]) for begin in range(0, len(rows), step)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _distances(self, rows: Floats) -> Doubles:
        # For vectors of length 1 the greatest products are the least distances: no difference of two vectors is formed.
        products = rows @ self.features.T
        place = products.shape[1] - self.neighbours
        kth = np.partition(products, place, axis=1)[:, place]
        found: Doubles = np.sqrt(np.clip(2 - 2 * kth.astype(np.float64), 0, 4))
        return found

    def to_bytes(self) -> bytes:
        """The bank as a file: uncompressed, so that its size is known before it is read."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            features=self.features,
            threshold=np.float64(self.threshold),
            neighbours=np.int64(self.neighbours),
            false_alarm_rate=np.float64(self.false_alarm_rate),
            calibration_samples=np.int64(self.calibration_samples),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, *, what: str = "the reference bank") -> ReferenceBank:
        """The bank in ``data``. Raises ``InvalidPackageError`` for what is none: damaged, too large, inconsistent."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = archive.infolist()
                if sorted(member.filename for member in members) != sorted(f"{name}.npy" for name in (_FEATURES, *_NUMBERS)):
                    raise InvalidPackageError(f"{what} does not hold {_FEATURES}, {', '.join(_NUMBERS)}, each once")
                if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                    raise InvalidPackageError(f"{what} is compressed; a bank is stored as it is")
                total = sum(member.file_size for member in members)
                if total > min(len(data), BANK_BYTES_AT_MOST):
                    raise InvalidPackageError(f"{what} states {total} bytes of arrays; it has {len(data)}")
                features, *numbers = (_array(archive.read(f"{name}.npy")) for name in (_FEATURES, *_NUMBERS))
            return _checked(features, numbers, what)
        except _DAMAGE as error:
            raise InvalidPackageError(f"{what} cannot be read: {error}") from error


def _array(data: bytes) -> npt.NDArray[Any]:
    """The array in an ``.npy`` that ``numpy.save`` wrote. Nothing is made that is larger than ``data``."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("expected version 1.0 of the npy format")
    shape, column_major, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=_HEADER_CHARACTERS)
    if dtype.kind not in "if" or dtype.hasobject or any(extent < 0 for extent in shape):
        raise ValueError(f"expected numbers, found {dtype} {shape}")
    size = len(data) - stream.tell()
    if math.prod(shape) * dtype.itemsize != size:
        raise ValueError(f"{size} bytes for an array of {dtype} {shape}")
    flat = np.frombuffer(data, dtype, offset=stream.tell())
    return flat.reshape(shape, order="F" if column_major else "C")


def unit_rows(features: npt.NDArray[Any]) -> Floats:
    """``[N, ...]`` as rows ``[N, D]`` of length 1; what is not finite or all zero becomes zeros, far from everything."""
    rows = np.asarray(features, np.float32).reshape(len(features), math.prod(features.shape[1:]))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        length = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
        scaled = rows / length
    made: Floats = np.where(np.isfinite(length) & (length > 0), scaled, 0).astype(np.float32)
    return made


def _checked(features: npt.NDArray[Any], numbers: list[npt.NDArray[Any]], what: str) -> ReferenceBank:
    if features.dtype != np.float32 or features.ndim != 2 or not features.shape[1] or any(number.ndim for number in numbers):
        raise InvalidPackageError(f"{what}: expected features [B, D] of float32 and four numbers")
    threshold, neighbours, rate, samples = (number.item() for number in numbers)
    sound = np.isfinite(features).all() and 0 <= threshold <= 2 and 1 <= neighbours <= len(features) and 0 < rate < 1
    if not sound or samples < 1:
        raise InvalidPackageError(
            f"{what}: threshold {threshold}, {neighbours} neighbours of {len(features)}, rate {rate}, {samples} samples: no bank"
        )
    return ReferenceBank(features, float(threshold), int(neighbours), float(rate), int(samples))
