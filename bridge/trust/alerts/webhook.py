"""An alert as an HTTP request: POST with the incident as JSON."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import IO
from urllib.parse import urlsplit

from bridge.errors import InvalidOptionError
from bridge.trust.alerts.failure import AlertFailedError
from bridge.trust.alerts.incident import Incident
from bridge.version import __version__


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take what is known of the incident to an address that nobody configured."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Refuse: ``None`` leaves the redirect to be reported as the failure that it is."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """``url`` is https, or http with ``allow_http``; anything else raises ``InvalidOptionError``."""

    url: str
    timeout_seconds: float = 5.0
    allow_http: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        allowed = {"https", "http"} if self.allow_http else {"https"}
        if parts.scheme not in allowed or not parts.hostname:
            raise InvalidOptionError(
                f"alert {self}: expected an address that begins with https://"
                + ("" if self.allow_http else "; `allow-http: true` permits http:// where nobody can listen in")
            )

    def __str__(self) -> str:
        # The path and the query of a webhook's address are its password, more often than not.
        parts = urlsplit(self.url)
        return f"webhook {ascii(parts.scheme)[1:-1]}://{ascii(parts.hostname or '')[1:-1]}"

    def send(self, incident: Incident) -> None:
        """Post the incident. Raises ``AlertFailedError`` for every answer but 2xx, a redirect included."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked when this was made
            self.url,
            data=incident.to_line().encode(),
            headers={"Content-Type": "application/json", "User-Agent": f"cntk-bridge/{__version__}"},
            method="POST",
        )
        try:
            _opener().open(request, timeout=self.timeout_seconds).close()
        except urllib.error.HTTPError as error:
            error.close()
            raise AlertFailedError(f"{self}: answered {error.code}") from error
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise AlertFailedError(f"{self}: {reason}") from error


def _opener() -> urllib.request.OpenerDirector:
    """HTTP and HTTPS, through the proxies of the environment; no files, no FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _NoRedirect(),
    ):
        opener.add_handler(handler)
    return opener
