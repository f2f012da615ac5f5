"""What operators see: metrics, the status page in a real browser, logs, traces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.package.interface import Tensor
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.guarded import GuardedModel
from bridge.runtime.guards.interface import InterfaceGuard
from bridge.runtime.guards.pipeline import Pipeline
from bridge.serve.observing.status import ModelStatus, Status, quantile
from bridge.serve.observing.status_page import render_status
from tests.serve.asking import ask, infer, request_of
from tests.serve.running import LENET, ROOT_DIGEST, SIGNER, TAGGER, example, loaded, model_settings, models_for, running
from tests.verify.report.browser import Browser, browser_or_skip

SAMPLE = Status(
    True,
    9000.0,
    (
        ModelStatus("digits", "10", "ab" * 32, "key sha256:0123456789abcdef", "landlock-7+seccomp", 123456, 3, 0.0012, 0.0123),
        ModelStatus("<script>alert(1)</script>", "1", "", "", "none", 0, 0, None, None),
    ),
    (("queue-full", 12), ("malformed", 3)),
)


def test_metrics_count_answers_and_refusals_by_reason() -> None:
    with running(models_for(LENET)) as server:
        infer(server.http, LENET, example(LENET))
        ask(server.http, "POST", f"/v2/models/{LENET}/infer", "no")
        ask(server.http, "GET", "/v2/models/nobody")
        metrics = ask(server.admin, "GET", "/metrics")
        status = ask(server.admin, "GET", "/status.json").document
    text = metrics.body.decode()
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert f'bridge_requests_answered_total{{carrier="http",model="{LENET}",version="1"}} 1.0' in text
    assert 'bridge_requests_refused_total{carrier="http",reason="malformed"} 1.0' in text
    assert 'bridge_requests_refused_total{carrier="http",reason="not-found"} 1.0' in text
    assert f'bridge_queue_requests{{model="{LENET}",version="1"}} 0.0' in text
    assert f'bridge_model_events{{event="runs",model="{LENET}",version="1"}} 1.0' in text
    assert status["models"][0]["root_digest"] == ROOT_DIGEST
    assert dict(status["refused"]) == {"malformed": 1, "not-found": 1}


def test_the_port_for_operators_answers_nothing_else() -> None:
    with running(models_for(LENET)) as server:
        assert ask(server.admin, "POST", "/", b"").status == 405
        assert ask(server.admin, "GET", f"/v2/models/{LENET}").status == 404
        page = ask(server.admin, "GET", "/")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert SIGNER.encode() in page.body


def test_logs_are_json_and_hold_no_payload() -> None:
    with running(models_for(LENET)) as server:
        document = request_of(example(LENET)) | {"id": "private-identifier"}
        ask(server.http, "POST", f"/v2/models/{LENET}/infer", json.dumps(document))
        ask(server.http, "GET", "/private-path")
    events = [json.loads(line) for line in server.log.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["started", "request", "refused", "draining", "stopped"]
    assert events[1] | {"milliseconds": 0, "time": ""} == {
        "time": "", "level": "info", "event": "request", "model": LENET, "version": "1", "client": "anybody", "carrier": "http",
        "milliseconds": 0, "bytes_in": 256, "batch": 1,
    }  # fmt: skip
    assert "private" not in server.log.getvalue()


def test_requests_need_not_be_logged() -> None:
    with running(models_for(LENET)) as server:
        server.server._log._requests = False  # type: ignore[misc]  # As with log_requests: false.
        infer(server.http, LENET, example(LENET))
    assert '"request"' not in server.log.getvalue()


def test_spans_are_made_beneath_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", lambda *_: provider.get_tracer("test"))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with running(models_for(LENET), traces=True) as server:
        body = json.dumps(request_of(example(LENET)))
        assert ask(server.http, "POST", f"/v2/models/{LENET}/infer", body, {"traceparent": parent}).status == 200
        assert ask(server.http, "POST", f"/v2/models/{LENET}/infer", "no").status == 400
    answered, refused = exporter.get_finished_spans()
    assert answered.context is not None
    assert f"{answered.context.trace_id:032x}" == parent.split("-")[1]
    assert answered.attributes == {"model.name": LENET, "model.version": "1", "batch.requests": 1}
    assert refused.attributes == {"error.type": "RequestRefusedError"}
    assert not refused.events


def test_quantiles_are_values_that_were_seen() -> None:
    assert [quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0.25, 0.5, 0.51, 0.99)] == [1.0, 2.0, 3.0, 4.0]
    assert quantile([], 0.5) is None


def test_the_page_escapes_what_it_shows() -> None:
    page = render_status(SAMPLE)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Browser]:
    yield from browser_or_skip(tmp_path)


def show(browser: Browser, url: str, width: int) -> None:
    browser.events.clear()
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    browser.call("Page.navigate", url=url)
    while not browser.named("Page.loadEventFired"):
        browser.events.append(browser._receive())


def test_the_status_page_fits_a_desk_and_a_phone_and_breaks_no_policy(chromium: Browser) -> None:
    image = Tensor("image", "float32", ("N", 1, 8, 8), minimum=0.0, maximum=1.0)
    guarded = GuardedModel(loaded(LENET), Pipeline([InterfaceGuard(image), BitDepthSqueeze("image", 3, name="squeeze" * 9)]))
    with running([(model_settings(LENET), guarded), *models_for(TAGGER)]) as server:
        infer(server.http, LENET, example(LENET))
        ask(server.http, "POST", f"/v2/models/{LENET}/infer", "no")
        for width in (1280, 390):
            show(chromium, f"http://127.0.0.1:{server.admin}/", width)
            assert chromium.evaluate("document.documentElement.scrollWidth") <= width
            assert chromium.evaluate("document.querySelector('h1').textContent") == "Serving"
            assert chromium.evaluate("document.querySelectorAll('#models tbody tr').length") == 2
            assert chromium.evaluate("document.querySelectorAll('#guards tbody tr').length") == 2
            assert chromium.evaluate("getComputedStyle(document.querySelector('.verdict')).display") == "flex"
            problems = [entry for entry in chromium.named("Log.entryAdded") if "favicon" not in entry["entry"].get("url", "")]
            assert not problems, problems
