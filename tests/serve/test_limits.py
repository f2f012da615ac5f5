"""Clients that are slow, many, or in the way of a shutdown."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Timer

from bridge.serve.settings import HttpLimits
from tests.serve.asking import ask, raw, read_all
from tests.serve.running import LENET, model_settings, models_for, running
from tests.serve.slow_models import GatedModel, document

HASTE = HttpLimits(header_seconds=0.3, body_seconds=0.3, idle_seconds=0.3, write_seconds=0.3, request_bytes=1 << 20)


def test_a_head_that_drips_is_cut_off() -> None:
    with running(models_for(LENET), limits=HASTE) as server, raw(server.http) as connection:
        begun = time.monotonic()
        connection.sendall(b"GET /v2 HTTP/1.1\r\nHo")
        assert read_all(connection).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 5


def test_a_body_that_drips_is_cut_off() -> None:
    with running(models_for(LENET), limits=HASTE) as server, raw(server.http) as connection:
        connection.sendall(f"POST /v2/models/{LENET}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
        for _ in range(3):
            time.sleep(0.05)
            connection.sendall(b" ")
        assert read_all(connection).startswith(b"HTTP/1.1 408")
        assert server.server._listening[0][1].buffered == 0


def test_connections_without_a_request_are_closed() -> None:
    with running(models_for(LENET), limits=HASTE) as server, raw(server.http) as connection:
        assert read_all(connection) == b""


def test_a_client_that_does_not_read_its_answers_is_cut_off() -> None:
    # Some 20 MB of answers, which is more than the kernel holds for a connection.
    limits = HttpLimits(write_seconds=0.5, pipelined_requests=10_000)
    with running(models_for(LENET), limits=limits) as server, raw(server.http) as connection:
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 3000)
        until = time.monotonic() + 10
        while 'reason="slow-client"} 1.0' not in ask(server.admin, "GET", "/metrics").body.decode():
            assert time.monotonic() < until
            time.sleep(0.1)
        assert ask(server.http, "GET", "/v2").status == 200


def test_too_many_connections_are_turned_away() -> None:
    with running(models_for(LENET), limits=HttpLimits(connections=2)) as server, raw(server.http), raw(server.http):
        time.sleep(0.1)
        with raw(server.http) as third:
            assert read_all(third).startswith(b"HTTP/1.1 503")


def test_bodies_together_are_bounded() -> None:
    limits = HttpLimits(buffered_bytes=1000)
    with running(models_for(LENET), limits=limits) as server:
        answer = ask(server.http, "POST", f"/v2/models/{LENET}/infer", b" " * 2000)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert ask(server.http, "GET", "/v2").status == 200


def test_a_body_without_length_is_bounded_as_it_comes() -> None:
    with running(models_for(LENET), limits=HASTE) as server, raw(server.http) as connection:
        head = f"POST /v2/models/{LENET}/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        connection.sendall(head + b"100001\r\n" + b"a" * 0x100001 + b"\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 413")


def test_a_body_in_very_small_pieces_is_refused() -> None:
    """Each piece takes the server's time, and an object beside the byte that is in it."""
    with running(models_for(LENET)) as server, raw(server.http) as connection:
        head = f"POST /v2/models/{LENET}/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        connection.sendall(head + b"1\r\n \r\n" * 5000)
        answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"pieces of less than" in answer
        assert server.server._listening[0][1].buffered == 0


def test_what_is_under_way_is_answered_before_the_server_stops() -> None:
    model = GatedModel()
    with ThreadPoolExecutor(1) as pool:
        with running([(model_settings("gated"), model)]) as server:
            port = server.http
            future = pool.submit(ask, port, "POST", "/v2/models/gated/infer", json.dumps(document(1.0)))
            assert model.entered.wait(5)
            # Open only when the server is already on its way down.
            Timer(0.3, model.gate.set).start()
        answer = future.result()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert model.closed


def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    model = GatedModel()
    with running([(model_settings("gated"), model)]) as server:
        body = json.dumps(document(1.0)).encode()
        for _ in range(5):
            with raw(server.http) as connection:
                head = f"POST /v2/models/gated/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)
                time.sleep(0.02)
        until = time.monotonic() + 5
        while server.server._listening[0][1].buffered and time.monotonic() < until:
            time.sleep(0.01)
        assert server.server._listening[0][1].buffered == 0
        model.gate.set()
        assert ask(server.http, "GET", "/v2/health/live").status == 200
        counted = ask(server.admin, "GET", "/metrics").body.decode()
        assert 'bridge_requests_abandoned_total{carrier="http"} 5.0' in counted
    assert sum(model.calls) <= 2


def test_an_answer_that_cannot_be_told_is_counted_as_refused_alone() -> None:
    model = GatedModel()
    model.gate.set()
    with running([(model_settings("gated"), model)]) as server:
        for value, status in ((3e38, 422), (1.0, 200)):  # Twice the former is infinite.
            answer = ask(server.http, "POST", "/v2/models/gated/infer", json.dumps(document(value)))
            assert answer.status == status, answer.body
        counted = ask(server.admin, "GET", "/metrics").body.decode()
    assert 'bridge_requests_answered_total{carrier="http",model="gated",version="1"} 1.0' in counted
    assert 'bridge_requests_refused_total{carrier="http",reason="not-representable"} 1.0' in counted
