"""The features of clean samples that the distribution guard knows, with its threshold, as one ``.npz``."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidPackageError

BANK_BYTES_AT_MOST = 1 << 30
_MEMBERS = ("features", "threshold", "neighbours", "false_alarm_rate", "calibration_samples")
_DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    SyntaxError,
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
        # For vectors of length 1 the greatest products are the least distances: no difference of two vectors is formed.
        products = rows @ self.features.T
        k = self.neighbours
        kth = np.partition(products, products.shape[1] - k, axis=1)[:, products.shape[1] - k]
        squared = np.clip(2 - 2 * kth.astype(np.float64), 0, 4)
        found: Doubles = np.sqrt(squared)
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
                if sorted(member.filename for member in members) != sorted(f"{name}.npy" for name in _MEMBERS):
                    raise InvalidPackageError(f"{what} does not hold {', '.join(_MEMBERS)}, each once")
                if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                    raise InvalidPackageError(f"{what} is compressed; a bank is stored as it is")
                total = sum(member.file_size for member in members)
                if total > min(len(data), BANK_BYTES_AT_MOST):
                    raise InvalidPackageError(f"{what} states {total} bytes of arrays; it has {len(data)}")
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in _MEMBERS}
            return _checked(found, what)
        except _DAMAGE as error:
            raise InvalidPackageError(f"{what} cannot be read: {error}") from error


def unit_rows(features: npt.NDArray[Any]) -> Floats:
    """``[N, ...]`` as rows ``[N, D]`` of length 1; what is not finite or all zero becomes zeros, far from everything."""
    rows = np.asarray(features, np.float32).reshape(len(features), -1)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        length = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
        scaled = rows / length
    made: Floats = np.where(np.isfinite(length) & (length > 0), scaled, 0).astype(np.float32)
    return made


def _checked(found: dict[str, npt.NDArray[Any]], what: str) -> ReferenceBank:
    features = found["features"]
    scalars = [found[name] for name in _MEMBERS[1:]]
    if (
        features.dtype != np.float32
        or features.ndim != 2
        or any(scalar.ndim or scalar.dtype.kind not in "if" for scalar in scalars)
    ):
        raise InvalidPackageError(f"{what}: expected features [B, D] of float32 and four numbers")
    threshold, neighbours, rate, samples = (scalar.item() for scalar in scalars)
    sound = np.isfinite(features).all() and 0 <= threshold <= 2 and 1 <= neighbours <= len(features) and 0 < rate < 1
    if not sound or samples < 1:
        raise InvalidPackageError(
            f"{what}: threshold {threshold}, {neighbours} neighbours of {len(features)}, rate {rate}, {samples} samples: no bank"
        )
    return ReferenceBank(features, float(threshold), int(neighbours), float(rate), int(samples))
