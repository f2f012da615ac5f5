"""Incidents: written to the log, then sent to everybody who is to be alerted, within a bounded time.

The log is ``logging.getLogger("bridge.trust")``. A record's message is one line of JSON, and its members are attributes of the
record as well: ``incident_event``, ``incident_file``, ``incident_expected``, ``incident_computed`` and so on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bridge.trust.alerts.failure import AlertFailedError
from bridge.trust.alerts.incident import INTEGRITY, Incident

LOG = logging.getLogger("bridge.trust")

# What a channel needs beyond its own timeout to say that it has run out of time.
_GRACE_SECONDS = 0.5


class Channel(Protocol):
    """A way to alert somebody: :class:`Webhook`, :class:`Syslog`, :class:`Command`. ``str()`` names it without its secrets."""

    @property
    def timeout_seconds(self) -> float:
        """How long the refusal waits for it, at most."""

    def send(self, incident: Incident) -> None:
        """Alert. Raises ``AlertFailedError``."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A channel, and the events that it is used for."""

    channel: Channel
    events: frozenset[str] = frozenset({INTEGRITY})


@dataclass(slots=True)
class _Sending:
    """One alert on its way, in a thread of its own: a name server, or a peer that answers byte by byte, has no timeout."""

    channel: Channel
    incident: Incident
    failure: str | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.failure = f"{self.channel}: did not end within {self.channel.timeout_seconds:g} s"
        # A daemon: the end of the process does not wait for it.
        self.thread = threading.Thread(target=self._run, name="alert", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.channel.send(self.incident)
        except AlertFailedError as error:
            self.failure = str(error)
        except Exception as error:  # noqa: BLE001 - a channel of the caller's own may raise anything, and must not hide the refusal
            self.failure = f"{self.channel}: {type(error).__name__}: {error}"
        else:
            self.failure = None


def raise_alarm(incident: Incident, alerts: Sequence[Alert]) -> tuple[str, ...]:
    """Log the incident and alert everybody at once; what failed, in sentences, which are logged as well.

    Takes at most as long as the longest timeout, and raises nothing: the refusal is what matters.
    """
    members = {f"incident_{name}": value for name, value in incident.to_json().items()}
    # A refusal by a rule is the caller's to report; bytes that were tampered with are everybody's concern.
    level = logging.ERROR if incident.event == INTEGRITY else logging.INFO
    LOG.log(level, "refused: %s", incident.to_line(), extra=members)
    started = time.monotonic()
    sendings = [_Sending(alert.channel, incident) for alert in alerts if incident.event in alert.events]
    for sending in sendings:
        left = started + sending.channel.timeout_seconds + _GRACE_SECONDS - time.monotonic()
        sending.thread.join(max(left, 0.0))
    failures = tuple(sending.failure for sending in sendings if sending.failure is not None)
    for failure in failures:
        LOG.error("an alert failed: %s", failure.encode("ascii", "backslashreplace").decode())
    return failures
