"""All of it together: ports, models, signals; from the first request to the last one answered."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import uvloop

from bridge.errors import BridgeError, InvalidOptionError
from bridge.runtime.served import ServedModel
from bridge.serve.clients.identity import Clients
from bridge.serve.grpc.port import GrpcPort
from bridge.serve.http.admin_routes import AdminRoutes
from bridge.serve.http.connection import protocol_factory
from bridge.serve.http.connections import Connections
from bridge.serve.http.inference_routes import InferenceRoutes
from bridge.serve.http.messages import Routes
from bridge.serve.http.tls_listener import TlsListener
from bridge.serve.http.transport_security import server_context
from bridge.serve.inference import Inference
from bridge.serve.models.hosted import HostedModel
from bridge.serve.models.repository import Repository
from bridge.serve.observing.logs import Log
from bridge.serve.observing.metrics import Metrics
from bridge.serve.observing.tracing import NoTracer, OpenTelemetryTracer
from bridge.serve.service_manager import READY, STOPPING, tell_service_manager
from bridge.serve.settings import HttpLimits, ModelSettings, ServerSettings

_BACKLOG: Final = 1024
_SWITCH_SECONDS: Final = 0.0005

Models = Sequence[tuple[ModelSettings, ServedModel]]


class Server:
    """Listens from :meth:`start` to :meth:`stop`; ``ports`` are the numbers of http, grpc and admin, those that are open."""

    def __init__(self, settings: ServerSettings, models: Models, log: Log | None = None) -> None:
        self._settings: Final = settings
        self._log: Final = log or Log(requests=settings.log_requests)
        self._metrics: Final = Metrics()
        self._models: Final = _hosted(models, self._log.fault)
        self._repository: Final = Repository(self._models)
        self._clients: Final = Clients(settings.clients)
        tracer = OpenTelemetryTracer() if settings.traces else NoTracer()
        self._inference: Final = Inference(self._repository, self._metrics, self._log, tracer)
        self._metrics.watch(self._repository)
        self._listening: Final[list[tuple[asyncio.Server | TlsListener, Connections]]] = []
        self._grpc: GrpcPort | None = None
        self.ports: Final[dict[str, int]] = {}

    async def start(self) -> None:
        """Open the ports. Raises ``InvalidOptionError`` where one cannot be opened."""
        settings = self._settings
        # The thread of a model waits for the interpreter's lock behind the event loop's; 5 ms, the default, is a whole inference.
        sys.setswitchinterval(_SWITCH_SECONDS)
        if settings.port is not None:
            routes = InferenceRoutes(self._inference, self._clients, settings.limits.request_bytes)
            security = server_context(settings.tls) if settings.tls is not None else None
            self.ports["http"] = await self._listen(routes, settings.host, settings.port, "http", settings.limits, security)
        if settings.admin_port is not None:
            limits = HttpLimits(request_bytes=0, connections=64, connections_per_address=64)
            self.ports["admin"] = await self._listen(
                AdminRoutes(self._inference), settings.admin_host, settings.admin_port, "admin", limits, None
            )
        if settings.grpc_port is not None:
            from bridge.serve.grpc.port import GrpcPort

            self._grpc = await GrpcPort.start(settings, self._inference, self._clients)
            self.ports["grpc"] = self._grpc.number
        self._log.event("started", ports=self.ports, models=[f"{name} {version}" for name, version in self._models])

    async def reload(self) -> None:
        """Replace every model by what lies at its place now. What is refused is told to the log, and the old one serves on."""
        for model in self._repository:
            facts = {"model": model.settings.name, "version": model.settings.version}
            try:
                replaced = await asyncio.get_running_loop().run_in_executor(None, model.reload)
            except BridgeError as error:
                self._log.event("reload-refused", level="warning", **facts, error=type(error).__name__, reason=str(error)[:1000])
            else:
                self._log.event("reloaded" if replaced else "kept", **facts, root_digest=model.identity.root_digest)

    async def stop(self) -> None:
        """Take no more requests, answer those that are under way, close everything."""
        self._inference.draining = True
        seconds = self._settings.drain_seconds
        self._log.event("draining", seconds=seconds)
        for server, _ in self._listening:
            server.close()
        drained = [connections.drain(seconds) for _, connections in self._listening]
        grpc_stopped = [self._grpc.stop(seconds)] if self._grpc is not None else []
        await asyncio.gather(*drained, *grpc_stopped)
        await asyncio.get_running_loop().run_in_executor(None, self._repository.close)
        self._log.event("stopped")
        self._log.close()

    async def _listen(
        self, routes: Routes, host: str, port: int, carrier: str, limits: HttpLimits, security: ssl.SSLContext | None
    ) -> int:
        connections = Connections(limits, self._metrics, self._log, carrier)
        make = protocol_factory(routes, connections)
        server: asyncio.Server | TlsListener
        try:
            if security is None:
                server = await asyncio.get_running_loop().create_server(make, host, port, backlog=_BACKLOG)
            else:
                server = await TlsListener.open((host, port), _BACKLOG, make, connections, security)
        except OSError as error:
            raise InvalidOptionError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
        self._listening.append((server, connections))
        number: int = server.sockets[0].getsockname()[1]
        return number


def _hosted(models: Models, on_fault: Callable[[str, BaseException], None]) -> Mapping[tuple[str, str], HostedModel]:
    hosted: dict[tuple[str, str], HostedModel] = {}
    for settings, model in models:
        key = settings.name, settings.version
        if key in hosted:
            raise InvalidOptionError(f"two models are called {settings.name!r}, version {settings.version}")
        hosted[key] = HostedModel(model, settings, on_fault)
    return hosted


def serve(settings: ServerSettings, load: Callable[[ModelSettings], ServedModel], on_started: Callable[[Server], None]) -> None:
    """Load the models, serve them, and return when SIGTERM or SIGINT has come and everything under way is answered.

    SIGHUP reloads the packages; one that comes while they are loaded for the first time changes nothing.

    ``on_started`` is told when the ports are open, and so is a service manager that wants to know. Raises ``BridgeError`` where
    a model is refused or a port taken.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    models = [(model, load(model)) for model in settings.models]
    uvloop.run(_serve(settings, models, on_started))


async def _serve(settings: ServerSettings, models: Models, on_started: Callable[[Server], None]) -> None:
    server = Server(settings, models)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reload = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.set)
    try:
        await server.start()
    except BaseException:
        await server.stop()  # Ports that are open already would keep the process.
        raise
    on_started(server)
    tell_service_manager(READY)
    reloading = asyncio.create_task(_reload_when_told(server, reload))
    await stop.wait()
    reloading.cancel()
    tell_service_manager(STOPPING)
    await server.stop()


async def _reload_when_told(server: Server, told: asyncio.Event) -> None:
    while True:
        await told.wait()
        told.clear()
        await server.reload()
