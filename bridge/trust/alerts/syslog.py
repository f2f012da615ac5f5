"""An alert to the system's log: the incident as one line of JSON, with the priority "critical"."""

from __future__ import annotations

import logging
import logging.handlers
import re
import socket
from dataclasses import dataclass

from bridge.errors import InvalidOptionError
from bridge.trust.alerts.failure import AlertFailedError
from bridge.trust.alerts.incident import Incident

_REMOTE = re.compile(r"(udp|tcp)://([^/:\s]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


class _Handler(logging.handlers.SysLogHandler):
    """The standard handler, which would otherwise print what goes wrong and carry on."""

    append_nul = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the standard handler's interface
        raise  # noqa: PLE0704 - called from the standard handler's own except clause


@dataclass(frozen=True, slots=True)
class Syslog:
    """``address`` is the path of a socket, or ``udp://host:port``, or ``tcp://host:port``; ``facility`` as syslog calls it."""

    address: str = "/dev/log"
    facility: str = "auth"
    timeout_seconds: float = 5.0

    def __post_init__(self) -> None:
        if not self.address.startswith("/") and not _REMOTE.fullmatch(self.address):
            raise InvalidOptionError(
                f"alert {self}: expected the path of a socket, as in /dev/log, or udp://host:port, or tcp://host:port"
            )
        if self.facility not in logging.handlers.SysLogHandler.facility_names:
            raise InvalidOptionError(f"alert {self}: no facility {self.facility!r}")

    def __str__(self) -> str:
        return f"syslog {ascii(self.address)[1:-1]}"

    def send(self, incident: Incident) -> None:
        """Hand the incident to the log. Raises ``AlertFailedError``; over UDP nobody learns whether it arrived."""
        try:
            handler = self._handler()
            try:
                handler.ident = "cntk-bridge: "
                end = "\n" if self.address.startswith("tcp:") else ""  # A stream has no end of message of its own.
                line = incident.to_line() + end
                handler.emit(logging.LogRecord("bridge.trust", logging.CRITICAL, "", 0, "%s", (line,), None))
            finally:
                handler.close()
        except (OSError, ValueError) as error:
            raise AlertFailedError(f"{self}: {error}") from error

    def _handler(self) -> _Handler:
        facility = logging.handlers.SysLogHandler.facility_names[self.facility]
        remote = _REMOTE.fullmatch(self.address)
        if remote is None:
            return _Handler(self.address, facility)
        protocol, host, port = remote.groups()
        kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
        return _Handler((host.strip("[]"), int(port)), facility, kind)
