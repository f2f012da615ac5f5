"""A plan -> models that answer, on the machine where this runs. Nothing of it knows Ray."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from bridge.errors import UnexpectedModelError
from bridge.fleet.configuration import threads_of
from bridge.fleet.health import Health
from bridge.fleet.http_application import HttpApplication
from bridge.fleet.plan import Plan
from bridge.runtime.served import ModelIdentity
from bridge.runtime.supervision.supervised import SupervisedModel
from bridge.serve.clients.identity import Clients
from bridge.serve.inference import Inference
from bridge.serve.loading import load_model
from bridge.serve.models.hosted import HostedModel
from bridge.serve.models.repository import Repository
from bridge.serve.observing.logs import Log
from bridge.serve.observing.metrics import Metrics
from bridge.serve.observing.tracing import NoTracer, OpenTelemetryTracer
from bridge.serve.settings import ModelSettings, ServerSettings

_SWITCH_SECONDS: Final = 0.0005  # As bridge.serve.server has it, for the same reason.

Loaded = list[tuple[ModelSettings, SupervisedModel]]


class Hosting:
    """Everything that a replica has. ``http`` and ``grpc`` (``inference`` and ``clients``) answer, ``health`` watches."""

    def __init__(self, settings: ServerSettings, models: Loaded, facts: Mapping[str, str], log: Log) -> None:
        self.log: Final = log
        self.metrics: Final = Metrics()
        hosted = {(model.name, model.version): HostedModel(served, model, log.fault) for model, served in models}
        self._repository: Final = Repository(hosted)
        self.clients: Final = Clients(settings.clients)
        tracer = OpenTelemetryTracer() if settings.traces else NoTracer()
        self.inference: Final = Inference(self._repository, self.metrics, log, tracer, facts)
        self.health: Final = Health([(served, hosted[model.name, model.version]) for model, served in models])
        self.http: Final = HttpApplication(self.inference, self.clients, settings.limits, facts, self.close)

    @classmethod
    async def start(cls, plan: Plan, facts: Mapping[str, str], log: Log | None = None) -> Hosting:
        """Load what ``plan`` names. ``facts`` tell clients who answers. Raises ``BridgeError`` where anything is refused."""
        settings = plan.settings
        # A model's thread waits for the interpreter's lock behind the event loop's: as in bridge.serve.server.
        sys.setswitchinterval(_SWITCH_SECONDS)
        models = await asyncio.get_running_loop().run_in_executor(None, load_pinned, plan, settings)
        hosting = cls(settings, models, facts, log or Log(requests=settings.log_requests))
        digests = {f"{model.name} {model.version}": served.identity.root_digest for model, served in models}
        hosting.log.event("started", models=digests, **facts)
        return hosting

    async def close(self) -> None:
        """Take no more requests, answer those that wait, let go of the models."""
        self.inference.draining = True
        await asyncio.get_running_loop().run_in_executor(None, self._repository.close)
        self.log.event("stopped")
        self.log.close()


def load_pinned(plan: Plan, settings: ServerSettings) -> Loaded:
    """Every model, verified here, and the same as in every other replica. Raises ``BridgeError``, leaving nothing loaded."""
    models: Loaded = []
    try:
        for model in settings.models:
            models.append((model, _load(plan, model)))
    except BaseException:
        for _, served in models:
            served.close()
        raise
    return models


def _load(plan: Plan, model: ModelSettings) -> SupervisedModel:
    policy = plan.policy_of(model)

    def accept(package: Path, identity: ModelIdentity) -> None:
        pin = plan.pin_of(package, policy)
        if identity.root_digest != pin.root_digest:
            raise UnexpectedModelError(
                f"{package}: the deployment serves sha256:{pin.root_digest}; this machine has sha256:{identity.root_digest}"
            )

    # The policy was read once, here: what is held against the pin is what decides.
    asked = replace(model, policy=None, threads=threads_of(model))
    served = load_model(asked, policy, allow_unsigned=False, accept=accept)
    if served.refusal is not None:
        # The fallback would answer here while other replicas answer with the model itself.
        served.close()
        raise served.refusal
    return served
