"""The protocol's HTTP paths as an ASGI application: the same routes and refusals as ``bridge serve`` has.

Connections end at Ray's proxy. What a replica can bound of a request it bounds: the sizes of head and body, all bodies together,
and the time that a body takes to arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from bridge.errors import BridgeError, RequestRefusedError
from bridge.serve.clients.identity import Clients
from bridge.serve.http.connections import Connections
from bridge.serve.http.inference_routes import InferenceRoutes
from bridge.serve.http.messages import Request, Response, refusal_response
from bridge.serve.inference import Inference
from bridge.serve.protocol.json_request import HEADER_LENGTH
from bridge.serve.refusals import FAULT, Refusal, refusal_of
from bridge.serve.settings import HttpLimits

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CARRIER: Final = "http"
_ONCE: Final = frozenset({"authorization", "content-encoding", "content-length", "content-type", HEADER_LENGTH})


class _ClientGone(Exception):  # noqa: N818  # Nobody is there to be told: no error of ours.
    pass


class HttpApplication:
    """Answers requests of one replica. Each answer has ``facts`` as ``bridge-...``; ``on_stop`` is awaited at the end."""

    def __init__(
        self,
        inference: Inference,
        clients: Clients,
        limits: HttpLimits,
        facts: Mapping[str, str],
        on_stop: Callable[[], Awaitable[None]],
    ) -> None:
        self._inference: Final = inference
        self._limits: Final = limits
        self._routes: Final = InferenceRoutes(inference, clients, limits.request_bytes)
        self._buffers: Final = Connections(limits, inference.metrics, inference.log, CARRIER)
        self._headers: Final = [
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
            *((f"bridge-{name}".encode(), value.encode()) for name, value in facts.items()),
        ]
        self._on_stop: Final = on_stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the application, as ASGI 3 has them."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1002})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            kind = (await receive())["type"]
            if kind == "lifespan.shutdown":
                await self._on_stop()
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(scope, receive)
        except _ClientGone:
            return
        except BridgeError as error:
            refusal = refusal_of(error)
            if refusal is FAULT:
                self._inference.log.fault(scope["method"], error)
            response = self._refused(refusal)
        except Exception as error:  # noqa: BLE001  # A bug ends one request, not the replica.
            self._inference.log.fault(scope["method"], error)
            response = self._refused(FAULT)
        await send({"type": "http.response.start", "status": response.status, "headers": self._head(response)})
        await send({"type": "http.response.body", "body": response.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        request = self._request(scope)
        self._routes.admit(request)
        held = _Held(self._buffers)
        try:
            request.body = await self._body(receive, held)
            return await self._routes.answer(request)
        finally:
            held.release()

    def _request(self, scope: Scope) -> Request:
        headers = _headers(scope["headers"], self._limits)
        announced = headers.get("content-length", "0")
        if not (announced.isascii() and announced.isdigit()) or int(announced) > self._limits.request_bytes:
            raise RequestRefusedError("too-large", f"more than {self._limits.request_bytes} bytes")
        if self._inference.draining:
            raise RequestRefusedError("draining", "the replica is shutting down", retry_after=5.0)
        peer = scope.get("client")
        return Request(scope["method"], _path(scope), headers, peer=str(peer[0]) if peer else "")

    async def _body(self, receive: Receive, held: _Held) -> bytes:
        pieces: list[bytes] = []
        more = True
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _ClientGone
                    piece = message.get("body", b"")
                    if held.octets + len(piece) > self._limits.request_bytes:
                        raise RequestRefusedError("too-large", f"more than {self._limits.request_bytes} bytes")
                    held.hold(len(piece))
                    pieces.append(piece)
                    more = message.get("more_body", False)
        except TimeoutError as error:
            raise RequestRefusedError("slow-client", "the request took too long to arrive") from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _refused(self, refusal: Refusal) -> Response:
        self._inference.metrics.refused(refusal.reason, CARRIER)
        self._inference.log.event("refused", reason=refusal.reason, status=refusal.status, carrier=CARRIER)
        return refusal_response(refusal)

    def _head(self, response: Response) -> list[tuple[bytes, bytes]]:
        said = {"content-type": response.content_type, "content-length": str(len(response.body))} | dict(response.headers)
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in said.items()] + self._headers


class _Held:
    """The bytes of one body, counted among those of all."""

    def __init__(self, buffers: Connections) -> None:
        self._buffers: Final = buffers
        self.octets = 0

    def hold(self, octets: int) -> None:
        self._buffers.hold(octets)
        self.octets += octets

    def release(self) -> None:
        self._buffers.release(self.octets)


def _headers(pairs: list[tuple[bytes, bytes]], limits: HttpLimits) -> dict[str, str]:
    if len(pairs) > limits.headers or sum(len(name) + len(value) for name, value in pairs) > limits.header_bytes:
        raise RequestRefusedError("headers-too-large", "too many headers, or too long ones")
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.decode("latin-1").lower()
        if key in _ONCE and key in headers:
            raise RequestRefusedError("malformed", f"the header {key} stands twice")
        headers[key] = value.decode("latin-1")
    return headers


def _path(scope: Scope) -> str:
    """The path as it was sent, without the prefix under which Ray has put the application."""
    raw = scope.get("raw_path")
    path: str = raw.decode("latin-1") if raw is not None else scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
