"""A service manager is told how far the server is, and signals before that do no harm."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.serve.service_manager import READY, tell_service_manager
from tests.runtime.packages import golden_package
from tests.serve.running import LENET

BRIDGE = "from bridge.cli import main; main()"


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_manager_is_told(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify") if kind == "path" else f"@bridge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + address[1:] if kind == "abstract" else address)
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        tell_service_manager(READY)
        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "vsock:2:1234"])
def test_nobody_to_tell_is_no_fault(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    tell_service_manager(READY)


def test_a_server_is_ready_once_it_serves_and_survives_a_reload_that_came_before(tmp_path: Path) -> None:
    package = golden_package(LENET, tmp_path / "package")
    command = [sys.executable, "-c", BRIDGE, "serve", f"digits={package}", "--allow-unsigned", "--port", "0", "--admin-port", "0"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                while not ignores_hangups(process.pid):
                    time.sleep(0.005)
                process.send_signal(signal.SIGHUP)
                assert manager.recv(100) == b"READY=1"
                process.terminate()
                assert manager.recv(100) == b"STOPPING=1"
            finally:
                process.terminate()
                _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log


def ignores_hangups(pid: int) -> bool:
    """Whether the process ignores or handles SIGHUP. Fails once it has ended."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert not status["State"].strip().startswith("Z"), "the server ended"
    return bool((int(status["SigIgn"], 16) | int(status["SigCgt"], 16)) >> (signal.SIGHUP - 1) & 1)
