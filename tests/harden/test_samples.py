from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import InvalidInputsError
from bridge.harden.samples import Samples, read_samples, split

X, Y = np.zeros((30, 2), np.float32), np.repeat(np.arange(3), 10)


def test_every_class_is_split_by_the_same_shares_and_no_sample_is_in_two_parts() -> None:
    samples = Samples(np.arange(300, dtype=np.float32).reshape(300, 1), np.repeat(np.arange(3), 100))
    parts = split(samples, seed=1)
    whole = np.concatenate([part.x[:, 0] for part in (parts.training, parts.validation, parts.test)])
    assert sorted(whole.tolist()) == list(range(300))
    assert np.bincount(parts.validation.y).tolist() == [15, 15, 15]
    assert np.bincount(parts.test.y).tolist() == [25, 25, 25]


def test_the_split_follows_the_seed() -> None:
    samples = Samples(np.arange(60, dtype=np.float32).reshape(60, 1), np.repeat(np.arange(2), 30))
    first, again, other = (split(samples, seed=seed).test.x.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_too_few_samples_of_a_class_are_refused() -> None:
    with pytest.raises(InvalidInputsError, match="class 2"):
        split(Samples(X[:22], Y[:22]), seed=0)


def test_samples_are_read_with_the_digest_of_their_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=X, y=Y.astype(np.uint8))
    samples, sha256 = read_samples(tmp_path / "data.npz")
    assert samples.y.dtype == np.int64
    assert len(samples) == 30
    assert len(sha256) == 64


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": X},
        {"x": X, "y": Y[:5]},
        {"x": X, "y": Y.astype(np.float32)},
        {"x": X, "y": Y - 1},
        {"x": X[:, 0], "y": Y},
        {"x": np.full_like(X, np.nan), "y": Y},
        {"x": X[:0], "y": Y[:0]},
        {"x": np.asarray([{}] * 30, object), "y": Y},
    ],
)
def test_files_that_hold_no_labelled_samples_are_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(InvalidInputsError):
        read_samples(tmp_path / "data.npz")
