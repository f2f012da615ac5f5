"""Why a request is not answered, and how that is said: to clients in HTTP and gRPC, to operators as a label of a metric."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from bridge.errors import (
    BridgeError,
    DeadlineExceeded,
    GuardRefusedError,
    InvalidInputError,
    ModelFailedError,
    OverloadedError,
    RequestRefusedError,
    UnknownOutputError,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """``status`` is HTTP's, ``code`` the name of gRPC's; ``retry_after`` in seconds, ``None`` where trying again is no use.

    ``guard`` is the name of the input guard that refused.
    """

    reason: str
    status: int
    code: str
    message: str
    retry_after: float | None = None
    guard: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What the log is told besides."""
        return {"guard": self.guard} if self.guard else {}

    @property
    def retry_after_header(self) -> str:
        """Whole seconds, at least one, as ``Retry-After`` has them."""
        return str(max(1, math.ceil(self.retry_after or 0)))


REASONS: Final[dict[str, tuple[int, str]]] = {
    "malformed": (400, "INVALID_ARGUMENT"),
    "invalid-input": (400, "INVALID_ARGUMENT"),
    "guard": (400, "INVALID_ARGUMENT"),
    "unauthenticated": (401, "UNAUTHENTICATED"),
    "forbidden": (403, "PERMISSION_DENIED"),
    "not-found": (404, "NOT_FOUND"),
    "method": (405, "UNIMPLEMENTED"),
    "slow-client": (408, "CANCELLED"),
    "length-required": (411, "INVALID_ARGUMENT"),
    "too-large": (413, "RESOURCE_EXHAUSTED"),
    "encoding": (415, "UNIMPLEMENTED"),
    "not-representable": (422, "FAILED_PRECONDITION"),
    "model-failed": (422, "FAILED_PRECONDITION"),
    "quota": (429, "RESOURCE_EXHAUSTED"),
    "queue-full": (429, "RESOURCE_EXHAUSTED"),
    "headers-too-large": (431, "RESOURCE_EXHAUSTED"),
    "fault": (500, "INTERNAL"),
    "draining": (503, "UNAVAILABLE"),
    "not-ready": (503, "UNAVAILABLE"),
    "connections": (503, "UNAVAILABLE"),
    "memory": (503, "RESOURCE_EXHAUSTED"),
    "deadline": (504, "DEADLINE_EXCEEDED"),
}
"""By reason: HTTP's status and gRPC's code."""

FAULT: Final = Refusal("fault", *REASONS["fault"], "the server has a fault; its log tells more")


def refusal_of(error: BridgeError) -> Refusal:
    """How ``error`` is told to a client. What is not the client's business is not told."""
    match error:
        case RequestRefusedError():
            return _refusal(error.reason, str(error), error.retry_after)
        case GuardRefusedError():
            return Refusal("guard", *REASONS["guard"], str(error), guard=error.guard)
        case InvalidInputError() | UnknownOutputError():
            return _refusal("invalid-input", str(error))
        case OverloadedError():
            return _refusal("queue-full", str(error), error.retry_after)
        case DeadlineExceeded():
            return _refusal("deadline", str(error))
        case ModelFailedError():
            return _refusal("model-failed", str(error))
        case _:
            return FAULT


def _refusal(reason: str, message: str, retry_after: float | None = None) -> Refusal:
    status, code = REASONS[reason]
    return Refusal(reason, status, code, message, retry_after)
