"""Counters and histograms for Prometheus. Labels are names of our own configuration and words of our own, never a client's."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bridge.runtime.guards.pipeline import GuardStatus
from bridge.serve.observing.guard_metrics import guard_metrics
from bridge.serve.settings import ModelSettings

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Watched(Protocol):
    """A model that is asked when the metrics are read."""

    @property
    def settings(self) -> ModelSettings:
        """Its name and version."""
        ...

    @property
    def waiting(self) -> int:
        """Requests in its queue."""
        ...

    def counters(self) -> Mapping[str, int]:
        """What it has counted itself."""
        ...

    def guards(self) -> Sequence[GuardStatus]:
        """The input guards in force."""
        ...


class ModelMetrics:
    """The metrics of one model over one carrier, looked up once."""

    def __init__(self, metrics: Metrics, name: str, version: str, carrier: str) -> None:
        self._requests: Final = metrics.requests.labels(name, version, carrier)
        self._seconds: Final = metrics.seconds.labels(name, version, carrier)
        self._batch: Final = metrics.batch.labels(name, version)
        self._waited: Final = metrics.waited.labels(name, version)

    def answered(self, seconds: float, batch: int, waited: float) -> None:
        """Count one answer that took ``seconds``, of which ``waited`` in the queue, together with ``batch - 1`` others."""
        self._requests.inc()
        self._seconds.observe(seconds)
        self._batch.observe(batch)
        self._waited.observe(waited)


class Metrics:
    """All of them, in a registry of their own."""

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        model, carrier = ["model", "version"], ["model", "version", "carrier"]
        self.requests: Final = Counter(
            "bridge_requests_answered", "Inferences that were answered.", carrier, registry=self.registry
        )
        self.seconds: Final = Histogram(
            "bridge_request_seconds",
            "From the request's last byte to the answer.",
            carrier,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.waited: Final = Histogram(
            "bridge_queue_seconds", "Time in the model's queue.", model, buckets=_SECONDS, registry=self.registry
        )
        self.batch: Final = Histogram(
            "bridge_batch_requests", "Requests that were answered together.", model, buckets=_ROWS, registry=self.registry
        )
        self.connections: Final = Gauge("bridge_connections", "Open connections.", ["carrier"], registry=self.registry)
        self.buffered: Final = Gauge(
            "bridge_buffered_bytes", "Bodies in memory that are not answered yet.", registry=self.registry
        )
        self._refused: Final = Counter(
            "bridge_requests_refused",
            "Requests that were not answered, by reason.",
            ["reason", "carrier"],
            registry=self.registry,
        )
        self._abandoned: Final = Counter(
            "bridge_requests_abandoned",
            "Requests whose client went away before the answer.",
            ["carrier"],
            registry=self.registry,
        )
        self.refusals: Final[Tally[str]] = Tally()

    def refused(self, reason: str, carrier: str) -> None:
        """Count one request, or connection, that was refused for ``reason``."""
        self.refusals[reason] += 1
        self._refused.labels(reason, carrier).inc()

    def abandoned(self, carrier: str, requests: int = 1) -> None:
        """Count requests that were whole, and that nobody waited for any more."""
        self._abandoned.labels(carrier).inc(requests)

    def watch(self, models: Iterable[Watched]) -> None:
        """Show every model's queue, and what it has counted itself."""
        self.registry.register(_Models(models))

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)


class _Models(Collector):
    def __init__(self, models: Iterable[Watched]) -> None:
        self._models = models

    def collect(self) -> Iterable[Metric]:
        labels = ["model", "version"]
        queues = GaugeMetricFamily("bridge_queue_requests", "Requests that wait for a model.", labels=labels)
        # No counters in Prometheus' sense: a model that takes another's place begins anew.
        said = "What the model that serves now has counted: runs stopped, workers killed, reloads and the like."
        events = GaugeMetricFamily("bridge_model_events", said, labels=[*labels, "event"])
        for model in self._models:
            names = [model.settings.name, model.settings.version]
            queues.add_metric(names, model.waiting)
            for event, count in model.counters().items():
                events.add_metric([*names, event], count)
        yield queues
        yield events
        yield from guard_metrics(self._models)
