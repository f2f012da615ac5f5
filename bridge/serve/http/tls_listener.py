"""Listens for TLS, and counts handshakes: a connection takes a descriptor before it has said who it is, and may never say it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final

from bridge.serve.http.connections import Connections

_PAUSE_SECONDS: Final = 0.1


class TlsListener:
    """Accepts connections until it is closed. ``make`` makes the protocol of one whose handshake has succeeded."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        make: Callable[[], asyncio.BaseProtocol],
        connections: Connections,
        context: ssl.SSLContext,
    ) -> None:
        self.sockets: Final = tuple(sockets)
        self._make: Final = make
        self._all: Final = connections
        self._context: Final = context
        self._handshakes: Final[set[asyncio.Task[None]]] = set()
        self._accepting: Final = [asyncio.create_task(self._accept(listener)) for listener in self.sockets]

    @classmethod
    async def open(
        cls,
        address: tuple[str, int],
        backlog: int,
        make: Callable[[], asyncio.BaseProtocol],
        connections: Connections,
        context: ssl.SSLContext,
    ) -> TlsListener:
        """Listen on every address that the host in ``address`` has. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        sockets: list[socket.socket] = []
        try:
            for family, place in sorted({(entry[0], entry[4]) for entry in found}):
                sockets.append(socket.create_server(place, family=family, backlog=backlog))
                sockets[-1].settimeout(0)
        except BaseException:
            for opened in sockets:
                opened.close()
            raise
        return cls(sockets, make, connections, context)

    def close(self) -> None:
        """Accept nobody any more. Handshakes that have begun end by themselves."""
        for task in self._accepting:
            task.cancel()
        for listener in self.sockets:
            listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listener)
            except OSError:  # No descriptor is left, or the client is gone already.
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if not self._all.begin_handshake(str(address[0])):
                accepted.close()
                continue
            task = loop.create_task(self._shake_hands(accepted, str(address[0])))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, accepted: socket.socket, address: str) -> None:
        seconds, loop = self._all.limits.header_seconds, asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(self._make, accepted, ssl=self._context, ssl_handshake_timeout=seconds)
        except (OSError, TimeoutError):  # So are ssl's errors: whoever does not speak TLS as we do is let go without a word.
            accepted.close()
        finally:
            self._all.end_handshake(address)
