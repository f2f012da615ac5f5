"""What the status page shows, as data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.runtime.guards.pipeline import GuardStatus
from bridge.serve.models.hosted import HostedModel
from bridge.serve.models.repository import Repository
from bridge.serve.observing.metrics import Metrics


@dataclass(frozen=True, slots=True)
class GuardFigures:
    """An input guard in force: requests seen, refused and changed since the server started, and the seconds that it took."""

    name: str
    kind: str
    input: str
    seen: int
    refused: int
    changed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model. Latencies are in seconds, of the last answers, ``None`` before the first."""

    name: str
    version: str
    root_digest: str
    signer: str
    sandbox: str
    answered: int
    waiting: int
    median: float | None
    p99: float | None
    guards: tuple[GuardFigures, ...] = ()
    guards_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The server. ``refused`` counts by reason; ``uptime`` is in seconds."""

    ready: bool
    uptime: float
    models: tuple[ModelStatus, ...]
    refused: tuple[tuple[str, int], ...]


def status_of(repository: Repository, metrics: Metrics, *, ready: bool, uptime: float) -> Status:
    """The server as it is now."""
    models = tuple(_model(model) for model in sorted(repository, key=lambda model: (model.settings.name, model.settings.version)))
    return Status(ready, uptime, models, tuple(metrics.refusals.most_common()))


def quantile(sorted_values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least ``share`` of them do not exceed; ``None`` of none."""
    if not sorted_values:
        return None
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


def _model(model: HostedModel) -> ModelStatus:
    identity, latencies = model.identity, sorted(model.latencies)
    return ModelStatus(
        model.settings.name,
        model.settings.version,
        identity.root_digest,
        identity.signer,
        identity.sandbox,
        model.answered,
        model.waiting,
        quantile(latencies, 0.5),
        quantile(latencies, 0.99),
        tuple(map(_figures, model.guards())),
        identity.guards_sha256,
    )


def _figures(guard: GuardStatus) -> GuardFigures:
    counts = guard.counts
    return GuardFigures(guard.name, guard.kind.value, guard.input, counts.seen, counts.refused, counts.changed, counts.seconds)
