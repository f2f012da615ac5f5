"""bridge.trust.alerts.command: real programs."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from bridge.errors import InvalidOptionError
from bridge.trust.alerts.command import Command
from bridge.trust.alerts.failure import AlertFailedError
from bridge.trust.alerts.incident import INTEGRITY, Incident

INCIDENT = Incident.now(INTEGRITY, "model.dnn; rm -rf $HOME", "not what was signed", expected="a" * 64, computed="b" * 64)


def test_program_reads_the_incident_from_its_standard_input(tmp_path: Path) -> None:
    place = tmp_path / "$(touch hacked) incident"
    Command(("/bin/sh", "-c", 'cat > "$1"', "sh", str(place))).send(INCIDENT)
    assert json.loads(place.read_bytes()) == INCIDENT.to_json()
    assert list(tmp_path.iterdir()) == [place]  # No shell has looked at the argument.


def test_program_that_fails_is_a_failure() -> None:
    with pytest.raises(AlertFailedError, match="command /bin/sh: ended with status 7"):
        Command(("/bin/sh", "-c", "exit 7")).send(INCIDENT)


def test_program_that_reads_nothing_is_no_failure() -> None:
    Command(("/bin/true",)).send(INCIDENT)


def test_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(AlertFailedError, match="No such file"):
        Command((str(tmp_path / "nowhere"),)).send(INCIDENT)


def test_slow_program_is_killed_with_what_it_started(tmp_path: Path) -> None:
    late = tmp_path / "late"
    started = time.monotonic()
    with pytest.raises(AlertFailedError, match=r"did not end within 0\.2 s"):
        Command(("/bin/sh", "-c", f"(sleep 1; touch {late}) & wait"), timeout_seconds=0.2).send(INCIDENT)
    assert time.monotonic() - started < 1.0
    time.sleep(1.1)
    assert not late.exists()


def test_empty_command_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="empty"):
        Command(())


def test_arguments_are_not_shown() -> None:
    assert str(Command((sys.executable, "--password", "secret"))) == f"command {sys.executable}"
