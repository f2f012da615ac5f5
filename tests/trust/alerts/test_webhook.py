"""bridge.trust.alerts.webhook: requests to a real server on this machine."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from bridge.errors import InvalidOptionError
from bridge.trust.alerts.failure import AlertFailedError
from bridge.trust.alerts.incident import INTEGRITY, Incident
from bridge.trust.alerts.webhook import Webhook

INCIDENT = Incident.now(INTEGRITY, "model.dnn", "not what was signed", expected="a" * 64, computed="b" * 64)


class _Server(http.server.ThreadingHTTPServer):
    """Answers /ok with 204, /redirect with a redirect to /ok, /file with one to a file, everything else with 500."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, str, bytes]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], body))
        targets = {"/redirect": self.server.url("/ok"), "/file": "file:///etc/hostname"}
        self.send_response(204 if self.path == "/ok" else 302 if self.path in targets else 500)
        if self.path in targets:
            self.send_header("Location", targets[self.path])
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - the standard server's interface

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_incident_is_posted_as_json(server: _Server) -> None:
    Webhook(server.url("/ok"), allow_http=True).send(INCIDENT)
    [(path, kind, body)] = server.received
    assert (path, kind) == ("/ok", "application/json")
    assert json.loads(body) == INCIDENT.to_json()


def test_refusal_of_the_server_is_a_failure(server: _Server) -> None:
    with pytest.raises(AlertFailedError, match="answered 500"):
        Webhook(server.url("/other"), allow_http=True).send(INCIDENT)


@pytest.mark.parametrize("path", ["/redirect", "/file"])
def test_redirect_is_not_followed(server: _Server, path: str) -> None:
    with pytest.raises(AlertFailedError, match="answered 302"):
        Webhook(server.url(path), allow_http=True).send(INCIDENT)
    assert [received[0] for received in server.received] == [path]


def test_server_that_is_not_there_is_a_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(AlertFailedError, match="refused"):
            Webhook(f"http://127.0.0.1:{unused.getsockname()[1]}/", allow_http=True).send(INCIDENT)


def test_server_that_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(AlertFailedError, match="timed out"):
            Webhook(url, timeout_seconds=0.2, allow_http=True).send(INCIDENT)


@pytest.mark.parametrize("url", ["http://example.org/", "file:///etc/passwd", "ftp://example.org/", "https://", "example.org"])
def test_address_that_is_not_https_is_refused(url: str) -> None:
    with pytest.raises(InvalidOptionError, match="https://"):
        Webhook(url)


def test_http_has_to_be_allowed_and_files_never_are() -> None:
    Webhook("http://127.0.0.1/", allow_http=True)
    with pytest.raises(InvalidOptionError, match="expected an address"):
        Webhook("file:///etc/passwd", allow_http=True)


def test_secret_part_of_the_address_is_not_shown() -> None:
    assert (
        str(Webhook("https://user:secret@hooks.example.org:8443/T1/secret?token=secret")) == "webhook https://hooks.example.org"
    )
