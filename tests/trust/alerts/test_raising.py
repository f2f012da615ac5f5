"""bridge.trust.alerts.raising: what is logged, and that no alert delays or hides a refusal."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field

import pytest

from bridge.trust.alerts.failure import AlertFailedError
from bridge.trust.alerts.incident import INTEGRITY, REFUSAL, Incident
from bridge.trust.alerts.raising import Alert, raise_alarm


@dataclass
class _Recorder:
    """A channel that keeps what it is sent, after a while, unless it fails."""

    seconds: float = 0.0
    error: Exception | None = None
    timeout_seconds: float = 0.2
    sent: list[Incident] = field(default_factory=list)

    def __str__(self) -> str:
        return "recorder"

    def send(self, incident: Incident) -> None:
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        self.sent.append(incident)


def _incident(event: str = INTEGRITY) -> Incident:
    return Incident.now(event, "a\nb.dnn", "not what was signed", expected="e" * 64, computed="c" * 64)


def test_incident_is_logged_with_time_file_and_both_digests(caplog: pytest.LogCaptureFixture) -> None:
    incident = _incident()
    assert raise_alarm(incident, ()) == ()
    [record] = caplog.records
    assert (record.name, record.levelno) == ("bridge.trust", logging.ERROR)
    assert json.loads(record.getMessage().removeprefix("refused: ")) == incident.to_json()
    assert "\n" not in record.getMessage()
    members = vars(record)
    assert members["incident_time"] == incident.time
    assert members["incident_file"] == "a\nb.dnn"
    assert (members["incident_expected"], members["incident_computed"]) == ("e" * 64, "c" * 64)


def test_time_is_of_now_in_utc() -> None:
    assert _incident().time[:16] == time.strftime("%Y-%m-%dT%H:%M", time.gmtime())
    assert _incident().time.endswith("Z")


def test_everybody_is_alerted_at_once() -> None:
    slow = [_Recorder(seconds=0.15) for _ in range(4)]
    started = time.monotonic()
    assert raise_alarm(_incident(), [Alert(channel) for channel in slow]) == ()
    assert time.monotonic() - started < 0.45
    assert all(len(channel.sent) == 1 for channel in slow)


def test_alert_is_for_its_events_alone() -> None:
    integrity, both = _Recorder(), _Recorder()
    alerts = [Alert(integrity), Alert(both, frozenset({INTEGRITY, REFUSAL}))]
    raise_alarm(_incident(REFUSAL), alerts)
    assert (len(integrity.sent), len(both.sent)) == (0, 1)


def test_failing_alert_is_reported_and_the_others_are_sent(caplog: pytest.LogCaptureFixture) -> None:
    works = _Recorder()
    broken = [Alert(_Recorder(error=AlertFailedError("no line"))), Alert(_Recorder(error=RuntimeError("a bug")))]
    failures = raise_alarm(_incident(), [*broken, Alert(works)])
    assert failures == ("no line", "recorder: RuntimeError: a bug")
    assert len(works.sent) == 1
    assert [record.getMessage() for record in caplog.records[1:]] == [f"an alert failed: {failure}" for failure in failures]


def test_alert_that_never_ends_does_not_hold_up_the_refusal() -> None:
    started = time.monotonic()
    assert raise_alarm(_incident(), [Alert(_Recorder(seconds=3.0))]) == ("recorder: did not end within 0.2 s",)
    assert time.monotonic() - started < 1.5
