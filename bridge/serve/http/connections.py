"""All connections of the server: how many, how long they may take, how much memory they hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Final

from bridge.errors import RequestRefusedError
from bridge.serve.observing.logs import Log
from bridge.serve.observing.metrics import Metrics
from bridge.serve.settings import HttpLimits

if TYPE_CHECKING:
    from bridge.serve.http.connection import Connection

_SWEEP_SECONDS: Final = 0.25


class Connections:
    """Shared by the connections of one port."""

    def __init__(self, limits: HttpLimits, metrics: Metrics, log: Log, carrier: str) -> None:
        self.limits: Final = limits
        self.metrics: Final = metrics
        self.log: Final = log
        self.carrier: Final = carrier
        self.draining = False
        self.buffered = 0
        self._open: Final[set[Connection]] = set()
        self._per_address: Final[Counter[str]] = Counter()
        self._handshakes: Final[Counter[str]] = Counter()
        self._gauge: Final = metrics.connections.labels(carrier)
        self._sweeper: asyncio.TimerHandle | None = None
        self._all_gone: asyncio.Event | None = None

    def add(self, connection: Connection, address: str) -> bool:
        """Count ``connection``; false where there are too many already."""
        if len(self._open) >= self.limits.connections or self._per_address[address] >= self.limits.connections_per_address:
            return False
        self._open.add(connection)
        self._per_address[address] += 1
        self._gauge.inc()
        if self._sweeper is None:
            self._sweep()
        return True

    def begin_handshake(self, address: str) -> bool:
        """Count a connection that is no one's yet; false where there are too many already."""
        limits, shaking = self.limits, self._handshakes
        own = self._per_address[address] + shaking[address]
        if len(self._open) + shaking.total() >= limits.connections or own >= limits.connections_per_address:
            self.metrics.refused("connections", self.carrier)
            return False
        shaking[address] += 1
        return True

    def end_handshake(self, address: str) -> None:
        """It is over, and the connection open or gone."""
        self._handshakes[address] -= 1
        if not self._handshakes[address]:
            del self._handshakes[address]

    def remove(self, connection: Connection, address: str) -> None:
        """The connection is gone."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]
        self._gauge.dec()
        if not self._open and self._all_gone is not None:
            self._all_gone.set()

    def hold(self, octets: int) -> None:
        """Count ``octets`` of a body. Raises ``RequestRefusedError`` where all bodies together would take too much."""
        if self.buffered + octets > self.limits.buffered_bytes:
            raise RequestRefusedError("memory", "too many requests are being read", retry_after=1.0)
        self.buffered += octets
        self.metrics.buffered.set(self.buffered)

    def release(self, octets: int) -> None:
        """The body is no longer in memory."""
        self.buffered -= octets
        self.metrics.buffered.set(self.buffered)

    async def drain(self, seconds: float) -> None:
        """Close what is idle, let the rest finish within ``seconds``, then cut off what is left."""
        self.draining = True
        for connection in list(self._open):
            connection.close_when_idle()
        if self._open:
            self._all_gone = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_gone.wait(), seconds)
        for connection in list(self._open):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _sweep(self) -> None:
        """Cut off whoever is late. One timer for all costs less than one for each."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [connection for connection in self._open if connection.deadline < now]:
            connection.too_slow()
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)
