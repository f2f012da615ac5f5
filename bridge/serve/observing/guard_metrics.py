"""What input guards did, for Prometheus: counters by model and guard, which go on when a model takes another's place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily

from bridge.runtime.guards.pipeline import GuardStatus
from bridge.serve.settings import ModelSettings


class Guarded(Protocol):
    """A model that may stand behind guards."""

    @property
    def settings(self) -> ModelSettings:
        """Its name and version."""
        ...

    def guards(self) -> Sequence[GuardStatus]:
        """The guards in force."""
        ...


def guard_metrics(models: Iterable[Guarded]) -> Iterable[CounterMetricFamily]:
    """The counters of all guards. Labels are names of the configuration."""
    labels = ["model", "version", "guard"]
    seen = CounterMetricFamily("bridge_guard_seen", "Requests that an input guard looked at.", labels=labels)
    refused = CounterMetricFamily("bridge_guard_refused", "Requests that an input guard refused.", labels=labels)
    changed = CounterMetricFamily("bridge_guard_changed", "Requests that a sanitiser changed.", labels=labels)
    seconds = CounterMetricFamily("bridge_guard_seconds", "Time that an input guard took.", labels=labels)
    for model in models:
        for guard in model.guards():
            names = [model.settings.name, model.settings.version, guard.name]
            counts = guard.counts
            seen.add_metric(names, counts.seen)
            refused.add_metric(names, counts.refused)
            changed.add_metric(names, counts.changed)
            seconds.add_metric(names, counts.seconds)
    return seen, refused, changed, seconds
