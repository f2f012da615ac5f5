"""bridge.trust.alerts.syslog: datagrams and streams to real sockets."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from bridge.errors import InvalidOptionError
from bridge.trust.alerts.failure import AlertFailedError
from bridge.trust.alerts.incident import INTEGRITY, Incident
from bridge.trust.alerts.syslog import Syslog

INCIDENT = Incident.now(INTEGRITY, "model\n<0>root: all is well.dnn", "not what was signed", expected="a" * 64, computed="b" * 64)
AUTH_CRITICAL = b"<34>"  # Facility 4 (auth) times 8, plus severity 2.


def _socket_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)  # A socket's path may have 107 bytes only, so it is bound by its short name.
    return str(folder / "log")


def test_incident_reaches_a_unix_socket_as_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _socket_path(tmp_path, monkeypatch)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind("log")
        log.settimeout(5)
        Syslog(path).send(INCIDENT)
        message = log.recv(1 << 16)
    assert message.startswith(AUTH_CRITICAL + b"cntk-bridge: {")
    assert b"\n" not in message
    assert json.loads(message.partition(b": ")[2]) == INCIDENT.to_json()


def test_incident_reaches_a_server_by_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(5)
        Syslog(f"udp://127.0.0.1:{log.getsockname()[1]}", facility="local3").send(INCIDENT)
        message = log.recv(1 << 16)
    assert message.startswith(b"<154>cntk-bridge: ")  # Facility 19 times 8, plus 2.


def test_incident_reaches_a_server_by_tcp_with_an_end_of_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as log:
        Syslog(f"tcp://127.0.0.1:{log.getsockname()[1]}").send(INCIDENT)
        connection, _ = log.accept()
        with connection, connection.makefile("rb") as stream:
            message = stream.read()
    assert message.startswith(AUTH_CRITICAL)
    assert message.count(b"\n") == 1
    assert message.endswith(b"\n")


def test_log_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(AlertFailedError, match=r"syslog /.*nowhere"):
        Syslog(str(tmp_path / "nowhere")).send(INCIDENT)


@pytest.mark.parametrize("address", ["log", "udp://", "udp://host", "http://host:514", "udp://host:port"])
def test_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(InvalidOptionError, match="expected the path of a socket"):
        Syslog(address)


def test_unknown_facility_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="no facility 'secret'"):
        Syslog(facility="secret")
