"""A fleet from this machine: Ray, Ray Serve, the application; until SIGTERM or SIGINT. SIGHUP deploys the packages anew."""

from __future__ import annotations

import logging
import os
import queue
import secrets
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

from bridge.errors import BridgeError, DeploymentFailedError, InvalidOptionError
from bridge.fleet.application import DEPLOYMENT, application, planned
from bridge.fleet.configuration import processors_of
from bridge.fleet.deployment_document import APPLICATION, grpc_options
from bridge.fleet.plan import Plan
from bridge.serve.observing.logs import Log
from bridge.serve.settings import ServerSettings

_OBJECTS_BYTES: Final = 100 << 20  # Ray's store of objects, which nothing of ours goes through: close to its least.
_ATTEMPTS: Final = 2
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is deployed: ``args`` as ``bridge.fleet.application.build`` takes them, ``replicas`` of it.

    ``address`` is that of a cluster which runs already, as Ray has them; empty for one on this machine, for as long as the fleet.
    """

    args: Mapping[str, Any]
    replicas: int = 2
    address: str = ""


def run_fleet(fleet: Fleet, on_started: Callable[[Plan], None]) -> None:
    """Deploy the fleet, and return when SIGTERM or SIGINT has come and what was under way is answered.

    ``on_started`` is told when every replica answers. Raises ``BridgeError`` where a package is refused, here or by a replica.
    """
    plan = planned(fleet.args)
    settings = plan.settings
    _check(settings)
    log = Log()
    _start_ray(fleet, settings)
    try:
        _start_serve(fleet, settings)
        deploy(plan, fleet.replicas)
        told: queue.SimpleQueue[int] = queue.SimpleQueue()
        _listen(told)
        on_started(plan)
        while told.get() == signal.SIGHUP:
            plan = _redeploy(fleet, plan, log)
        log.event("draining", seconds=settings.drain_seconds)
    finally:
        _stop(fleet)
        log.close()


def deploy(plan: Plan, replicas: int) -> None:
    """Deploy ``plan`` on the cluster that this process is connected to, and wait until its replicas answer.

    Replicas that are there already are replaced, each once a new one answers. Raises ``DeploymentFailedError`` where new ones do
    not come up: the old ones then still answer.
    """
    from ray import serve

    try:
        serve.run(application(plan, replicas), name=APPLICATION, route_prefix="/")
    except RuntimeError as error:
        raise DeploymentFailedError(_reason(error)) from error


def _check(settings: ServerSettings) -> None:
    if settings.port is None:
        raise InvalidOptionError("the configuration: listen.port: a fleet answers over HTTP")
    if settings.grpc_port is not None and settings.host in _LOOPBACK:
        raise InvalidOptionError(
            "the configuration: listen.grpc_port: Ray's gRPC proxy listens on every address of the machine; give listen.host as "
            "0.0.0.0 or '::' to say that this is meant, or leave grpc_port out"
        )


def _start_ray(fleet: Fleet, settings: ServerSettings) -> None:
    # Before Ray is imported, which reads them then.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # Two replicas that say the same have both said it.
    if not fleet.address:
        # Ray's ports listen on every address, and take code from whoever knows the token. A token of this run alone, in the
        # environment: Ray's own would be kept in a file of the home folder, which everybody may read.
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        import ray
    except ImportError as error:
        raise InvalidOptionError("a fleet needs Ray: pip install 'cntk-bridge[fleet]'") from error
    if fleet.address:
        _init(ray.init, address=fleet.address)
        return
    # Processors are a matter of counting to Ray: twice as many, so that new replicas can come up beside the old ones.
    processors = 2 * fleet.replicas * processors_of(settings)
    _init(ray.init, address="local", num_cpus=processors, include_dashboard=False, object_store_memory=_OBJECTS_BYTES)


def _init(init: Callable[..., Any], **options: Any) -> None:
    """Start Ray, or join it. It gives each of its processes 15 s, for which a busy machine may need a second attempt."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            init(logging_level=logging.WARNING, **options)
        except Exception as error:  # Ray raises Exception itself where a part of it does not come up in time.
            if attempt == _ATTEMPTS:
                raise DeploymentFailedError(f"Ray did not start: {error}") from error
        else:
            return


def _start_serve(fleet: Fleet, settings: ServerSettings) -> None:
    from ray import serve

    serve.start(
        proxy_location="EveryNode" if fleet.address else "HeadOnly",
        http_options={"host": settings.host, "port": settings.port},
        grpc_options=grpc_options(settings.grpc_port) if settings.grpc_port is not None else None,
    )


def _listen(told: queue.SimpleQueue[int]) -> None:
    def tell(number: int, _frame: FrameType | None) -> None:
        told.put(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, tell)


def _redeploy(fleet: Fleet, serving: Plan, log: Log) -> Plan:
    """What serves then: the packages as they lie there now, or where they are refused, what has served before."""
    try:
        fresh = planned(fleet.args)
        if fresh != serving:
            deploy(fresh, fleet.replicas)
    except BridgeError as error:
        log.event("reload-refused", level="warning", error=type(error).__name__, reason=str(error)[:1000])
        return serving
    digests = {path: pin.root_digest for path, pin in fresh.pins.items()}
    log.event("kept" if fresh == serving else "reloaded", root_digests=digests)
    return fresh


def _stop(fleet: Fleet) -> None:
    import ray
    from ray import serve

    try:
        if fleet.address:
            serve.delete(APPLICATION)
        else:
            shut_down: Callable[[], None] = serve.shutdown
            shut_down()
    finally:
        ray.shutdown()


def _reason(error: RuntimeError) -> str:
    """What a replica has said, where Ray tells of it; the exception that ended its start is the last line of a stack."""
    from ray import serve

    deployed = serve.status().applications.get(APPLICATION)
    told = deployed.deployments[DEPLOYMENT].message if deployed and DEPLOYMENT in deployed.deployments else str(error)
    lines = [line.strip() for line in told.splitlines() if "bridge.errors." in line]
    return lines[-1].partition("bridge.errors.")[2] if lines else told[-2000:]
