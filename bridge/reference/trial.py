"""Tries an engine out: a network of one layer, whose answer is known to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np

from bridge.errors import ReferenceEngineError
from bridge.reference.engine import ReferenceEngine
from bridge.reference.environment import Environment
from bridge.reference.lock import Lock
from bridge.reference.values import Confinement, EngineLimits

_SECONDS = 120.0

# relu(x W + b) with W = [[1, -2, 3], [4, 5, -6]] and b = 0.5: exact in float32, one sum of them below 0.
_INPUT = np.array([[1, 2], [-1, 0.25]], np.float32)
_EXPECTED = np.array([[9.5, 8.5, 0.0], [0.5, 3.75, 0.0]], np.float32)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found: how much was checked, and what the engine's process can reach."""

    files: int
    bytes: int
    confinement: Confinement


def try_out(environment: Environment, lock: Lock | None = None) -> Trial:
    """Check every file of ``environment`` and evaluate the network; ``ReferenceEngineError`` where either is not as expected."""
    engine = ReferenceEngine(environment, EngineLimits(seconds=_SECONDS), lock)
    model = resources.files("bridge.reference").joinpath("trial.dnn").read_bytes()
    evaluation = engine.evaluate(model, {"x": _INPUT}, ["y"])
    value = evaluation.values["y"].value
    if isinstance(value, list) or not np.array_equal(value, _EXPECTED):
        raise ReferenceEngineError(f"the engine computes {value!r} for the trial network; expected {_EXPECTED!r}")
    report = engine.integrity
    return Trial(report.files if report else 0, report.bytes if report else 0, evaluation.confinement)
