"""The protocol's calls behind Ray's gRPC proxy. Messages reach a replica as the client sent them, and are read there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import grpc

from bridge.serve.clients.identity import Clients
from bridge.serve.grpc.messages import CALLS, SERVICE, message_class
from bridge.serve.grpc.service import Service, guarded_calls
from bridge.serve.inference import Inference


def add_inference_service(_servicer: Any, server: Any) -> None:
    """Tell a server of gRPC the protocol's calls: Ray's proxy is given the path of this function, and puts its own behind them.

    Without a deserializer the proxy takes a message for bytes, and does not read what a stranger sent.
    """
    handlers = {name: grpc.unary_unary_rpc_method_handler(_never) for name in CALLS}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))


async def _never(_request: Any, _context: Any) -> Any:
    raise AssertionError("Ray's proxy answers in place of this")


class GrpcCalls:
    """Answers the calls of one replica."""

    def __init__(self, inference: Inference, clients: Clients) -> None:
        self._calls: Final = guarded_calls(Service(inference, clients), inference)

    async def answer(self, name: str, request: bytes, context: Any) -> Any:
        """The message that answers, or an empty one beside the status that ``context``, which is Ray's, then carries."""
        try:
            return await self._calls[name](request, _Context(context))
        except _Aborted:
            return message_class(f"{name}Response")()


class _Aborted(Exception):  # noqa: N818  # How a call ends here; nobody is told.
    pass


class _Context:
    """Ray's context as the service knows gRPC's: a call can be ended with a status."""

    def __init__(self, context: Any) -> None:
        self._context: Final = context

    def auth_context(self) -> dict[str, list[bytes]]:
        """Nothing: the client's certificate, if any, was seen by the proxy alone."""
        return {}

    def invocation_metadata(self) -> Sequence[tuple[str, Any]]:
        """What the client sent beside the message."""
        pairs: Sequence[tuple[str, Any]] = self._context.invocation_metadata()
        return pairs

    def peer(self) -> str:
        """The client's address."""
        return str(self._context.peer())

    async def abort(self, code: grpc.StatusCode, details: str, trailing: Sequence[tuple[str, str]] = ()) -> None:
        """End the call."""
        self._context.set_code(code)
        self._context.set_details(details)
        if trailing:
            self._context.set_trailing_metadata(list(trailing))
        raise _Aborted
