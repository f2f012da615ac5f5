"""The golden network for digits as a package, its samples, and guards that were fitted to them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bridge.runtime.guards.guard import Array
from bridge.runtime.guards.learning import FitOptions, FittedGuards, fit_guards
from bridge.runtime.guards.writing import write_guards
from bridge.trust.policy.document import policy_for
from tests.runtime.packages import golden_package

DIGITS = Path(__file__).parents[2] / "harden" / "digits.npz"
RANGE = {"kind": "range", "input": "image", "minimum": 0, "maximum": 1}
SQUEEZE = {"kind": "bit-depth", "input": "image", "bits": 4, "minimum": 0, "maximum": 1}


@cache
def digits() -> Array:
    """``[1797, 1, 8, 8]`` between 0 and 1."""
    with np.load(DIGITS) as archive:
        images: Array = archive["images"].astype(np.float32)[:, None] / 16
    return images


def junk(samples: int = 16) -> Array:
    """Noise in the range of the digits, which the network was not made for."""
    return np.random.default_rng(0).uniform(0, 1, (samples, 1, 8, 8)).astype(np.float32)


def fitted_digits(folder: Path, **options: Any) -> FittedGuards:
    """A package in ``folder`` and guards for it in ``folder/guards``."""
    package = folder / "package"
    if not package.exists():
        golden_package("digits_lenet", package)
    np.savez(folder / "clean.npz", x=digits())
    chosen = FitOptions(policy_for(), allow_unsigned=True, low=0.0, high=1.0, **options)
    fitted = fit_guards(package, folder / "clean.npz", chosen)
    write_guards(fitted, folder / "guards", overwrite=True)
    return fitted


def write_entries(path: Path, *entries: dict[str, Any]) -> Path:
    """A file of guards with these entries."""
    path.write_text(json.dumps({"guards": entries}))
    return path


def distribution_entry(guards: Path) -> dict[str, Any]:
    """The entry of the distribution guard in a file that was fitted."""
    document = yaml.safe_load((guards / "guards.yaml").read_text())
    (entry,) = [entry for entry in document["guards"] if entry["kind"] == "distribution"]
    found: dict[str, Any] = entry
    return found
