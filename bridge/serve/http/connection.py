"""One connection, as a state machine over llhttp, which is strict about what a request is.

A request is looked at as soon as its head is there, before its body is read: whoever may not ask, or announces too much, is sent
away then. Requests that follow in one connection are answered in order.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from enum import Enum, auto
from typing import Any, Final, cast

import httptools

from bridge.errors import BridgeError, RequestRefusedError
from bridge.serve.clients.identity import certificate_names
from bridge.serve.http.connections import Connections
from bridge.serve.http.messages import Request, Response, Routes, refusal_response
from bridge.serve.refusals import FAULT, Refusal, refusal_of

_LINGER_SECONDS: Final = 1.0
_ONCE: Final = frozenset({"authorization", "content-encoding", "host", "inference-header-content-length", "content-type"})
_FEW_PIECES: Final = 4096
_PIECE_BYTES: Final = 256  # on average, of a body in more pieces than these few: each of them costs time, whatever is in it
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class State(Enum):
    """What the connection waits for."""

    IDLE = auto()  # the first byte of a request
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()  # the model
    LINGER = auto()  # the client to read why it was sent away


class Connection(asyncio.Protocol):
    """Reads requests, hands them to ``routes``, writes their answers. ``deadline`` is in the event loop's time."""

    def __init__(self, routes: Routes, connections: Connections) -> None:
        self._routes: Final = routes
        self._all: Final = connections
        self._loop: Final = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._address = ""
        self._names: tuple[str, ...] = ()
        self._state = State.IDLE
        self._pending: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._refused: RequestRefusedError | None = None
        self._writable = True
        self._closing = False
        self.deadline = math.inf
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_count = self._head_bytes = 0
        self._body: list[bytes] = []
        self._held = 0
        self._request: Request | None = None

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, or send it away."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else "local"
        self._names = tuple(certificate_names(transport.get_extra_info("peercert")))
        if self._all.add(self, self._address):
            self._expect(State.IDLE, self._all.limits.header_seconds)
            return
        self._closing = True
        refusal = refusal_of(RequestRefusedError("connections", "too many connections", retry_after=1.0))
        self._count(refusal)
        self._transport.write(refusal_response(refusal).encode(keep_alive=False))
        self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Give up what is under way: nobody is there to read the answer."""
        self._all.remove(self, self._address)
        self._all.release(self._held + sum(len(request.body) for request in self._pending))
        self._held = 0
        given_up = len(self._pending) + (self._task is not None)
        if given_up:
            self._all.metrics.abandoned(self._all.carrier, given_up)
        self._pending.clear()
        self._closing = True
        if self._task is not None:
            self._task.cancel()

    def eof_received(self) -> bool:
        """The client has closed its side. Whether it still reads cannot be told: it is taken to be gone."""
        return False

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered."""
        self._writable = False
        self.deadline = self._loop.time() + self._all.limits.write_seconds

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable = True
        self._expect(self._state, self._all.limits.idle_seconds if self._state is State.IDLE else math.inf)
        self._next()

    def data_received(self, data: bytes) -> None:
        """Parse what came; whatever is not HTTP ends the connection."""
        if self._closing or self._state is State.LINGER:
            return
        if self._request is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # Refused when its head was complete.
        except httptools.HttpParserError:
            self._refused = self._refused or RequestRefusedError("malformed", "this is not a request in HTTP/1.1")
        if self._request is None and self._head_bytes > self._all.limits.header_bytes:
            self._refused = self._refused or RequestRefusedError("headers-too-large", "the head of the request is too long")
        if self._refused is not None and self._task is None:
            self._send_away(refusal_of(self._refused))

    # What the parser tells. An exception would leave it in no defined state, so that faults are only noted here.

    def on_message_begin(self) -> None:
        """A request begins."""
        limits = self._all.limits
        if len(self._pending) >= limits.pipelined_requests:
            self._refused = RequestRefusedError("malformed", "too many requests at once in one connection")
        if self._task is None:
            self._expect(State.HEAD, limits.header_seconds)

    def on_url(self, url: bytes) -> None:
        """A part of the path."""
        if len(self._url) + len(url) <= self._all.limits.header_bytes:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which is not wanted."""
        key = name.decode("latin-1").lower()
        self._header_count += 1
        if self._request is not None:
            self._refused = RequestRefusedError("malformed", "trailers are not accepted")
        elif self._header_count > self._all.limits.headers or len(name) + len(value) > self._all.limits.header_bytes:
            self._refused = RequestRefusedError("headers-too-large", "too many headers, or too long ones")
        elif key in _ONCE and key in self._headers:
            self._refused = RequestRefusedError("malformed", f"the header {key} stands twice")
        else:
            self._headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Look at the request before its body is read."""
        path, _, _ = self._url.partition(b"?")
        method = self._parser.get_method().decode("ascii")
        self._request = Request(method, path.decode("latin-1"), self._headers, peer=self._address, certificate_names=self._names)
        if self._refused is not None:
            return
        try:
            announced = self._headers.get("content-length", "0")
            if not announced.isdigit() or int(announced) > self._all.limits.request_bytes:
                raise RequestRefusedError("too-large", f"more than {self._all.limits.request_bytes} bytes")
            _refuse_odd_framing(self._parser.get_http_version(), self._headers)
            if self._parser.should_upgrade():
                raise RequestRefusedError("malformed", "no other protocol is spoken here")
            if self._all.draining:
                raise RequestRefusedError("draining", "the server is shutting down", retry_after=5.0)
            self._routes.admit(self._request)
        except RequestRefusedError as error:
            self._refused = error
            return
        if self._headers.get("expect", "").lower() == "100-continue" and self._task is None:
            self._transport.write(_CONTINUE)
        if self._task is None:
            self._expect(State.BODY, self._all.limits.body_seconds)

    def on_body(self, piece: bytes) -> None:
        """A part of the body."""
        if self._refused is not None:
            return
        if self._held + len(piece) > self._all.limits.request_bytes:
            self._refused = RequestRefusedError("too-large", f"more than {self._all.limits.request_bytes} bytes")
            return
        if len(self._body) > _FEW_PIECES + self._held // _PIECE_BYTES:
            self._refused = RequestRefusedError("malformed", f"the body comes in pieces of less than {_PIECE_BYTES} bytes")
            return
        try:
            self._all.hold(len(piece))
        except RequestRefusedError as error:
            self._refused = error
            return
        self._held += len(piece)
        self._body.append(piece)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._refused is not None or self._request is None:
            return
        request = self._request
        request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        request.keep_alive = self._parser.should_keep_alive() and not self._all.draining
        self._begin()
        self._pending.append(request)
        self._next()

    # What becomes of requests.

    def _next(self) -> None:
        if self._task is not None or not self._pending or not self._writable or self._closing:
            return
        self._expect(State.ANSWER, math.inf)
        request = self._pending.popleft()
        size = len(request.body)
        self._task = self._loop.create_task(self._serve(request))
        # Not in the task itself, which never begins when the client goes away at once.
        self._task.add_done_callback(lambda _: self._all.release(size))

    async def _serve(self, request: Request) -> None:
        response = await self._answer(request)
        self._task = None
        if self._closing:
            return
        keep_alive = request.keep_alive and not self._all.draining
        if self._writable:
            self._expect(State.IDLE, self._all.limits.idle_seconds)
        self._transport.write(response.encode(keep_alive=keep_alive, head_only=request.method == "HEAD"))
        if self._refused is not None:
            self._send_away(refusal_of(self._refused))
        elif not keep_alive:
            self._closing = True
            self._transport.close()
        else:
            self._next()

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._routes.answer(request)
        except BridgeError as error:
            refusal = refusal_of(error)
            if refusal is FAULT:
                self._all.log.fault(request.method, error)
        except Exception as error:  # noqa: BLE001  # A bug ends one request, not the server.
            self._all.log.fault(request.method, error)
            refusal = FAULT
        self._count(refusal)
        return refusal_response(refusal)

    def _send_away(self, refusal: Refusal) -> None:
        """Say why, and close. Closing at once, with unread bytes, would take the answer out of the client's hands."""
        self._count(refusal)
        self._transport.write(refusal_response(refusal).encode(keep_alive=False))
        self._expect(State.LINGER, _LINGER_SECONDS)
        self._all.release(self._held)
        self._body, self._held = [], 0
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _expect(self, state: State, seconds: float) -> None:
        self._state = state
        self.deadline = self._loop.time() + seconds

    def _count(self, refusal: Refusal) -> None:
        self._all.metrics.refused(refusal.reason, self._all.carrier)
        facts = {"reason": refusal.reason, "status": refusal.status, "peer": self._address, "carrier": self._all.carrier}
        self._all.log.event("refused", **facts, **refusal.facts)

    # What the sweep over all connections, and the end of the server, do.

    def too_slow(self) -> None:
        """The deadline has passed."""
        if self._writable and self._state in {State.HEAD, State.BODY}:
            self._send_away(refusal_of(RequestRefusedError("slow-client", "the request took too long to arrive")))
            return
        if not self._writable:
            self._count(refusal_of(RequestRefusedError("slow-client", "the answer took too long to be read")))
        self.abort()

    def close_when_idle(self) -> None:
        """Close now, or when what is under way is answered."""
        if self._state is State.IDLE and self._task is None:
            self._closing = True
            self._transport.close()

    def abort(self) -> None:
        """Close without another word."""
        self._closing = True
        self._transport.abort()


def _refuse_odd_framing(version: str, headers: dict[str, str]) -> None:
    """Raise for what servers in a row may each read in their own way."""
    if version not in {"1.0", "1.1"} or ("host" not in headers and version == "1.1"):
        raise RequestRefusedError("malformed", "expected HTTP/1.1 with a header Host")
    encoding = headers.get("transfer-encoding")
    if encoding is not None and (encoding.strip().lower() != "chunked" or version == "1.0"):
        raise RequestRefusedError("malformed", "Transfer-Encoding: expected chunked alone, in HTTP/1.1")


def protocol_factory(routes: Routes, connections: Connections) -> Any:
    """What ``loop.create_server`` calls for each connection."""
    return lambda: Connection(routes, connections)
