"""A request and an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from bridge.serve.refusals import Refusal

_PHRASES: Final = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 411: "Length Required", 413: "Content Too Large", 415: "Unsupported Media Type",
    422: "Unprocessable Content", 429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
_NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(slots=True)
class Request:
    """``headers`` have names in lower case; ``peer`` is the address of the client, ``certificate_names`` those it showed."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    peer: str = ""
    certificate_names: tuple[str, ...] = ()
    keep_alive: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """``headers`` besides the length, the type, and those that every answer has."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)

    def encode(self, *, keep_alive: bool, head_only: bool = False) -> bytes:
        """The answer as it is sent."""
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        last = "" if keep_alive else "Connection: close\r\n"
        head = (
            f"HTTP/1.1 {self.status} {_PHRASES[self.status]}\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n{more}{last}\r\n"
        )
        return head.encode("latin-1") + (b"" if head_only else self.body)


class Routes(Protocol):
    """What answers requests of one port."""

    def admit(self, request: Request) -> None:
        """Look at a request whose body has not been read yet. Raises ``RequestRefusedError``."""
        ...

    async def answer(self, request: Request) -> Response:
        """The answer. Raises ``BridgeError`` for a refusal; anything else is a bug."""
        ...


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    """``document`` as JSON."""
    return Response(status, orjson.dumps(document), headers=headers)


def refusal_response(refusal: Refusal) -> Response:
    """A refusal as the protocol has it: ``{"error": "..."}``."""
    headers = {"Retry-After": refusal.retry_after_header} if refusal.retry_after is not None else {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status == 405:
        headers["Allow"] = "GET, POST"
    return json_response({"error": refusal.message}, refusal.status, headers)
