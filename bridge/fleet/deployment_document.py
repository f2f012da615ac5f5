"""A plan as a configuration of Ray Serve, for ``serve deploy`` and for KubeRay: with every package's digest in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.fleet.application import DEPLOYMENT
from bridge.fleet.plan import Plan

APPLICATION: Final = "bridge"
SERVICER: Final = "bridge.fleet.grpc_calls.add_inference_service"


def deployment_document(args: Mapping[str, Any], plan: Plan, replicas: int) -> dict[str, Any]:
    """The document. ``args`` are those that ``plan`` was made of; what it found is put into them."""
    settings = plan.settings
    digests = {
        f"{model.name}:{model.version}": f"sha256:{plan.pins[str(model.package)].root_digest}" for model in settings.models
    }
    document: dict[str, Any] = {
        "proxy_location": "EveryNode",
        "http_options": {"host": settings.host, "port": settings.port},
        "applications": [
            {
                "name": APPLICATION,
                "route_prefix": "/",
                "import_path": "bridge.fleet.application:build",
                "args": {**args, "root_digests": digests},
                "deployments": [{"name": DEPLOYMENT, "num_replicas": replicas}],
            }
        ],
    }
    if settings.grpc_port is not None:
        document["grpc_options"] = grpc_options(settings.grpc_port)
    return document


def grpc_options(port: int) -> dict[str, Any]:
    """What Ray's gRPC proxy is told. It can describe no service whose messages it does not know."""
    return {"port": port, "grpc_servicer_functions": [SERVICER], "enable_reflection": False}
