"""One refusal that people should know of, as data: for the log, and for whoever is alerted."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

INTEGRITY: Final = "integrity"
"""Bytes are not those that were signed."""

REFUSAL: Final = "refusal"
"""A rule of the policy refused: an unknown signer, a revoked key, an old version."""

EVENTS: Final = (INTEGRITY, REFUSAL)


@dataclass(frozen=True, slots=True)
class Incident:
    """What was refused. ``time`` is RFC 3339 in UTC; ``expected`` and ``computed`` are digests, where they apply."""

    event: str
    time: str
    file: str
    message: str
    expected: str = ""
    computed: str = ""
    rule: str = ""
    policy_sha256: str = ""
    host: str = ""
    process: int = 0

    @classmethod
    def now(cls, event: str, file: str, message: str, **more: str) -> Incident:
        """An incident at this moment, on this machine."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return cls(event, moment, file, message, host=socket.gethostname(), process=os.getpid(), **more)

    def to_json(self) -> dict[str, Any]:
        """All members in JSON's types, the empty ones left out."""
        return {name: value for name, value in asdict(self).items() if value != ""}

    def to_line(self) -> str:
        """One line of ASCII, whatever a stranger called the file: nothing in it can begin another line of a log."""
        return json.dumps(self.to_json())
