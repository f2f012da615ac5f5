"""One request on its way through a model."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field

from bridge.runtime.served import Array

Outputs = dict[str, Array]


@dataclass(slots=True, eq=False)
class Job:
    """``rows`` of a batch that share ``key`` can be answered together with others. Times are of ``time.monotonic``.

    ``extents`` are those of the dimensions that may be padded. ``future`` belongs to the event loop, and is only touched there.
    """

    inputs: dict[str, Array]
    outputs: tuple[str, ...]
    future: asyncio.Future[Outputs]
    deadline: float
    arrived: float
    hurried: bool = False  # The client gave less time than the model would take.
    key: Hashable = None
    rows: int = 1
    extents: dict[str, int] = field(default_factory=dict)
    octets: int = 0
    batch: int = 0  # how many requests it was answered with, itself included, once it was
    waited: float = 0.0

    @property
    def abandoned(self) -> bool:
        """Nobody waits for the answer any more: the client went away, or was told that it took too long."""
        return self.future.done()
