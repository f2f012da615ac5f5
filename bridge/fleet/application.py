"""``build``, which a configuration of Ray Serve names as its import path: ``bridge.fleet.application:build``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import InvalidOptionError
from bridge.fleet.configuration import processors_of, read_document
from bridge.fleet.pinning import pinned
from bridge.fleet.plan import Plan
from bridge.fleet.replica import Replica

if TYPE_CHECKING:
    from ray.serve import Application

DEPLOYMENT: Final = "models"
_KNOWN: Final = frozenset({"configuration", "root_digests", "policy", "public_keys", "trusted_roots"})
_HEALTH_PERIOD_SECONDS: Final = 10.0
_SHUTDOWN_SECONDS: Final = 5.0
_BACK_AFTER_SECONDS: Final = 1.0


def build(args: Mapping[str, Any]) -> Application:
    """The application that ``args`` ask for, fixed to the packages as this machine has them.

    ``configuration`` is the path of a file of ``bridge serve``, or its content, with absolute paths; ``root_digests`` has digests
    by model that the packages are held to; ``policy``, or ``public_keys`` and ``trusted_roots``, are for models that name none.
    Raises ``BridgeError`` where anything is refused: Ray then leaves what is deployed as it is.
    """
    return application(planned(args))


def planned(args: Mapping[str, Any]) -> Plan:
    """The plan that ``args`` ask for, as :func:`build` has them, with every package verified. Raises ``BridgeError``."""
    unknown = sorted(set(args) - _KNOWN)
    if unknown or "configuration" not in args:
        raise InvalidOptionError(f"args: expected configuration, and beside it {', '.join(sorted(_KNOWN))}; found {unknown}")
    said = args["configuration"]
    where = Path(said).absolute() if isinstance(said, str) else None
    plan = Plan(
        document=said if where is None else read_document(where),
        folder="/" if where is None else str(where.parent),
        policy=str(Path(args["policy"]).absolute()) if args.get("policy") else "",
        public_keys=tuple(str(Path(key).absolute()) for key in args.get("public_keys", ())),
        trusted_roots=tuple(str(Path(root).absolute()) for root in args.get("trusted_roots", ())),
    )
    return pinned(plan, args.get("root_digests", {}))


def application(plan: Plan, replicas: int = 1) -> Application:
    """The application of Ray Serve that carries out ``plan``. Raises ``InvalidOptionError`` where Ray is not installed."""
    try:
        from ray import serve
        from ray.serve.config import BackpressureConfig
    except ImportError as error:
        raise InvalidOptionError("a fleet needs Ray: pip install 'cntk-bridge[fleet]'") from error
    settings = plan.settings
    # A replica's own queues are what refuses, model by model, with a time to come again. Ray's bounds lie behind them, so that no
    # more is ever held than fits, and say 429 as well.
    queued = sum(model.queue.requests + model.workers * model.batch.rows for model in settings.models)
    deployment: Any = serve.deployment(  # Ray's types take the call for a decorator.
        serve.ingress()(Replica),
        name=DEPLOYMENT,
        num_replicas=replicas,
        max_ongoing_requests=2 * queued,
        max_queued_requests=2 * queued,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=_BACK_AFTER_SECONDS),
        health_check_period_s=_HEALTH_PERIOD_SECONDS,
        health_check_timeout_s=_health_seconds(plan),
        graceful_shutdown_timeout_s=settings.drain_seconds + _SHUTDOWN_SECONDS,
        max_surge_percent=100,  # New replicas answer before old ones are stopped.
        logging_config={"enable_access_log": False},  # A replica logs its requests itself, without what clients send.
        ray_actor_options={"num_cpus": processors_of(settings)},
    )
    bound: Application = deployment.bind(plan.to_text())
    return bound


def _health_seconds(plan: Plan) -> float:
    """Long enough for every model to be asked once, at the slowest that it may be."""
    return 30.0 + sum(model.seconds or 30.0 for model in plan.settings.models)
