"""A bucket of requests for each client: it holds a burst, and fills at a steady rate."""

from __future__ import annotations

from typing import Final

from bridge.errors import RequestRefusedError


class TokenBucket:
    """``rate`` tokens a second flow in, at most ``burst`` are held; a request takes one."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate: Final = rate
        self._burst: Final = float(burst)
        self._tokens = self._burst
        self._at: float | None = None

    def take(self, now: float) -> None:
        """Take one token at ``now`` (seconds of a monotonic clock). Raises ``RequestRefusedError`` if there is none yet."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            wait = (1.0 - self._tokens) / self._rate
            raise RequestRefusedError(
                "quota", f"more requests than this client's quota of {self._rate:g} a second", retry_after=wait
            )
        self._tokens -= 1.0
