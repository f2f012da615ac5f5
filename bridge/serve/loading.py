"""A package as the settings want it -> a model that can be asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

from bridge.runtime.guards.configuration import load_guards
from bridge.runtime.guards.tally import GuardTally
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.loading import load
from bridge.runtime.served import ModelIdentity, ServedModel
from bridge.runtime.supervision.supervised import SupervisedModel
from bridge.serve.settings import ModelSettings
from bridge.trust.policy.model import Policy

Accept = Callable[[Path, ModelIdentity], None]
"""Is told of every package that was loaded, before anybody is answered by it; raises ``BridgeError`` to refuse it."""


def load_model(
    settings: ModelSettings, policy: Policy | None, *, allow_unsigned: bool, accept: Accept | None = None
) -> SupervisedModel:
    """The model of ``settings``, verified under its own policy or else ``policy``, admitted and warm. Raises ``BridgeError``.

    What takes its place later, by a reload or as its fallback, is verified under the same policy, and stands behind the guards
    that their file has at that time. What they do is counted for all of them together.
    """
    limits = RuntimeLimits(
        intra_op_threads=settings.threads or default_threads(settings.workers),
        concurrent_runs=settings.workers,
        run_seconds=settings.seconds,
    )
    isolation = cast("Literal['none', 'process']", settings.isolation)
    trusted = settings.policy or policy

    tally = GuardTally()

    def loaded(path: Path) -> ServedModel:
        file = settings.fallback_guards or settings.guards if path == settings.fallback else settings.guards
        guards = None if file is None else load_guards(file, tally)
        model = load(path, policy=trusted, isolation=isolation, limits=limits, allow_unsigned=allow_unsigned, guards=guards)
        if accept is not None:
            try:
                accept(path, model.identity)
            except BaseException:
                model.close()
                raise
        return model

    return SupervisedModel(loaded, settings.package, fallback=settings.fallback)


def default_threads(workers: int) -> int:
    """Threads for each of ``workers``: the processors that this process may use, shared out evenly."""
    return max(1, len(os.sched_getaffinity(0)) // workers)
