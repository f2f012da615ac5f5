"""What each input guard adds to a request, in process and isolated: ``python benchmarks/guards_latency.py``.

The digits' network of ``golden/``, one sample to a request, calls in turns with the same model without guards. The figure is
the difference of the tenth percentiles, in microseconds: other work on the machine disturbs the calls above them.
``docs/guards.md`` quotes the table.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge.runtime.guards.learning import FitOptions, fit_guards
from bridge.runtime.guards.writing import write_guards
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.loading import load
from bridge.runtime.served import Array, ServedModel
from bridge.trust.policy.document import policy_for
from tests.runtime.guards.digits_guards import digits
from tests.runtime.packages import golden_package

CALLS = 2000
SANITISERS: tuple[dict[str, Any], ...] = (
    {"kind": "bit-depth", "input": "image", "bits": 4, "minimum": 0, "maximum": 1},
    {"kind": "jpeg", "input": "image", "quality": 75, "minimum": 0, "maximum": 1},
)


def fitted(folder: Path) -> list[dict[str, Any]]:
    """The entries of all guards; the bank lies in ``folder``."""
    np.savez(folder / "clean.npz", x=digits())
    options = FitOptions(policy_for(), allow_unsigned=True, low=0.0, high=1.0)
    made = fit_guards(folder / "package", folder / "clean.npz", options)
    write_guards(made, folder / "guards")
    return [*map(dict, made.entries[:-1]), *SANITISERS, dict(made.entries[-1])]


def loaded(folder: Path, isolation: Literal["none", "process"], entries: list[dict[str, Any]]) -> ServedModel:
    """The model behind ``entries``, or without guards where there are none."""
    guards = folder / "guards" / "one.yaml"
    guards.write_text(json.dumps({"guards": entries}))
    return load(
        folder / "package",
        allow_unsigned=True,
        isolation=isolation,
        limits=RuntimeLimits(intra_op_threads=1),
        workers=IsolationLimits(workers=1, spares=0),
        guards=guards if entries else None,
    )


def seconds(model: ServedModel, image: Array) -> float:
    """The time of one call."""
    started = time.perf_counter()
    model.run({"image": image})
    return time.perf_counter() - started


def added(folder: Path, isolation: Literal["none", "process"], entry: dict[str, Any]) -> float:
    """Microseconds that the guard adds."""
    bare, guarded = loaded(folder, isolation, []), loaded(folder, isolation, [entry])
    image = digits()[:1]
    pairs = np.asarray([(seconds(bare, image), seconds(guarded, image)) for _ in range(CALLS)])
    for model in (bare, guarded):
        model.close()
    without, behind = np.percentile(pairs, 10, axis=0) * 1e6
    return float(behind - without)


def main() -> None:
    """Print the table."""
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        golden_package("digits_lenet", folder / "package")
        print("| guard | in process, µs | isolated, µs |\n| --- | --- | --- |")
        for entry in fitted(folder):
            print(f"| {entry['kind']} | {added(folder, 'none', entry):.0f} | {added(folder, 'process', entry):.0f} |")


if __name__ == "__main__":
    main()
