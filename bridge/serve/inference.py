"""What happens to a request between its carrier and its model, whatever carried it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from bridge.errors import RequestRefusedError
from bridge.serve.clients.identity import Client
from bridge.serve.models.hosted import HostedModel
from bridge.serve.models.job import Job, Outputs
from bridge.serve.models.repository import Repository
from bridge.serve.observing.logs import Log
from bridge.serve.observing.metrics import Metrics, ModelMetrics
from bridge.serve.observing.tracing import Span, Tracer
from bridge.serve.protocol.description import model_description
from bridge.serve.protocol.request import InferenceRequest


class Inference:
    """Shared by all carriers. ``draining`` is set when the server is told to stop.

    ``facts`` stand in the metadata of every model besides what its package says: who of several answers, for instance.
    """

    def __init__(
        self, repository: Repository, metrics: Metrics, log: Log, tracer: Tracer, facts: Mapping[str, str] | None = None
    ) -> None:
        self.repository: Final = repository
        self._facts: Final = dict(facts or {})
        self.tracer: Final = tracer
        self.metrics: Final = metrics
        self.log: Final = log
        self.draining = False
        self._by_model: Final[dict[tuple[str, str, str], ModelMetrics]] = {}

    def check_ready(self) -> None:
        """Raise ``RequestRefusedError`` while the server is being shut down."""
        if self.draining:
            raise RequestRefusedError("not-ready", "the server is shutting down", retry_after=5.0)

    def admit(self, client: Client, name: str, version: str) -> HostedModel:
        """The model, once ``client`` may ask it. Raises ``RequestRefusedError`` before anything of the request is read."""
        client.admit(name)
        return self.repository.find(name, version)

    def describe(self, name: str, version: str) -> dict[str, Any]:
        """What is told about the model of that name. Raises ``RequestRefusedError`` if there is none."""
        model = self.repository.find(name, version)
        told = model_description(name, model.interface, model.identity, self.repository.versions(name))
        told["parameters"] |= self._facts
        return told

    async def run(self, model: HostedModel, request: InferenceRequest, span: Span) -> tuple[Job, Outputs]:
        """The model's answer, and what became of the request until then. Raises ``BridgeError``."""
        span.fact("model.name", model.settings.name)
        span.fact("model.version", model.settings.version)
        job = model.submit(request)
        outputs = await job.future
        span.fact("batch.requests", job.batch)
        return job, outputs

    def answered(self, model: HostedModel, job: Job, client: Client, carrier: str, begun: float) -> None:
        """Count and log an answer that is ready to be sent. ``begun`` is when its request was whole, of ``time.monotonic``."""
        settings = model.settings
        seconds = time.monotonic() - begun
        self._metrics_of(settings.name, settings.version, carrier).answered(seconds, job.batch, job.waited)
        facts = {"model": settings.name, "version": settings.version, "client": client.name, "carrier": carrier}
        self.log.request(**facts, milliseconds=round(seconds * 1e3, 3), bytes_in=job.octets, batch=job.batch)

    def _metrics_of(self, name: str, version: str, carrier: str) -> ModelMetrics:
        key = (name, version, carrier)
        found = self._by_model.get(key)
        if found is None:
            found = self._by_model[key] = ModelMetrics(self.metrics, name, version, carrier)
        return found
