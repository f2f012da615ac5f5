"""One replica: an actor of Ray Serve that verifies and loads every model of its plan, and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.fleet.hosting import Hosting
from bridge.fleet.http_application import HttpApplication
from bridge.fleet.plan import Plan

if TYPE_CHECKING:
    from bridge.fleet.grpc_calls import GrpcCalls


class Replica:
    """Made by Ray from the text of a plan. It does not come up where a package, or a policy, is not the one of the plan."""

    def __init__(self, plan: str) -> None:
        self._plan = Plan.from_text(plan)
        self._grpc: GrpcCalls | None = None

    async def __serve_build_asgi_app__(self) -> HttpApplication:
        """Called by Ray once, before the replica counts as started: load everything, and return what its HTTP proxy talks to."""
        self._hosting = await Hosting.start(self._plan, {"replica": _replica_id()})
        return self._hosting.http

    async def check_health(self) -> None:
        """Called by Ray every few seconds; raises where a model does not answer."""
        await self._hosting.health.check()

    # What Ray's gRPC proxy calls, by the names of the protocol: with a message's bytes, for a message.

    async def ServerLive(self, request: bytes, grpc_context: Any) -> Any:  # noqa: N802
        """Whether the process is there."""
        return await self._call("ServerLive", request, grpc_context)

    async def ServerReady(self, request: bytes, grpc_context: Any) -> Any:  # noqa: N802
        """Whether it takes requests."""
        return await self._call("ServerReady", request, grpc_context)

    async def ModelReady(self, request: bytes, grpc_context: Any) -> Any:  # noqa: N802
        """Whether the model takes requests."""
        return await self._call("ModelReady", request, grpc_context)

    async def ServerMetadata(self, request: bytes, grpc_context: Any) -> Any:  # noqa: N802
        """Name, version and extensions."""
        return await self._call("ServerMetadata", request, grpc_context)

    async def ModelMetadata(self, request: bytes, grpc_context: Any) -> Any:  # noqa: N802
        """What the model takes and gives, who vouches for it, and which replica says so."""
        return await self._call("ModelMetadata", request, grpc_context)

    async def ModelInfer(self, request: bytes, grpc_context: Any) -> Any:  # noqa: N802
        """The inference itself."""
        return await self._call("ModelInfer", request, grpc_context)

    async def _call(self, name: str, request: bytes, grpc_context: Any) -> Any:
        if self._grpc is None:
            from bridge.fleet.grpc_calls import GrpcCalls

            self._grpc = GrpcCalls(self._hosting.inference, self._hosting.clients)
        return await self._grpc.answer(name, request, grpc_context)


def _replica_id() -> str:
    from ray import serve

    replica_id: str = serve.get_replica_context().replica_id.unique_id
    return replica_id
