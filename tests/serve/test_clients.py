"""Who may ask, how often, and what; over HTTP and gRPC alike."""

from __future__ import annotations

import json

import pytest

from bridge.errors import RequestRefusedError
from bridge.serve.clients.identity import Clients, digest_of, new_key
from bridge.serve.clients.quotas import TokenBucket
from bridge.serve.settings import ClientSettings
from tests.serve.asking import ask, request_of
from tests.serve.running import LENET, TAGGER, example, models_for, running

KEY, DIGEST = new_key()


def test_a_key_is_long_random_and_kept_as_its_digest() -> None:
    other, _ = new_key()
    assert other != KEY
    assert len(KEY) >= 43
    assert digest_of(KEY) == DIGEST
    assert KEY not in repr(ClientSettings("a", DIGEST))


@pytest.mark.parametrize(
    "header",
    [None, "", KEY, "Basic " + KEY, "Bearer ", "Bearer wrong", "Bearer " + "a" * 1000, "Bearer ü"],
    ids=["none", "empty", "bare", "basic", "no key", "wrong", "long", "not ascii"],
)
def test_whoever_has_no_key_is_nobody(header: str | None) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        Clients([ClientSettings("a", DIGEST)]).identify(header)
    assert refused.value.reason == "unauthenticated"


def test_a_certificate_names_a_client_too() -> None:
    clients = Clients([ClientSettings("a", DIGEST), ClientSettings("b", certificate_name="b.example")])
    assert clients.identify(None, ["b.example"]).name == "b"
    assert clients.identify(f"Bearer {KEY}", ["c.example"]).name == "a"


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(2.0, 3)
    for _ in range(3):
        bucket.take(100.0)
    with pytest.raises(RequestRefusedError) as refused:
        bucket.take(100.25)
    assert refused.value.retry_after == pytest.approx(0.25)
    bucket.take(100.5)
    with pytest.raises(RequestRefusedError):
        bucket.take(100.6)
    bucket.take(1000.0)
    bucket.take(1000.0)
    bucket.take(1000.0)
    with pytest.raises(RequestRefusedError):
        bucket.take(1000.0)


def test_a_clock_that_stands_still_or_runs_back_gives_nothing() -> None:
    bucket = TokenBucket(1.0, 1)
    bucket.take(100.0)
    for now in (100.0, 50.0):
        with pytest.raises(RequestRefusedError):
            bucket.take(now)


def test_the_server_asks_for_a_key_before_it_reads_a_body() -> None:
    clients = (
        ClientSettings("one", DIGEST, models=frozenset({LENET})),
        ClientSettings("two", digest_of("other"), requests_per_second=0.001, burst=2),
    )
    body = json.dumps(request_of(example(LENET)))
    one, two = {"Authorization": f"Bearer {KEY}"}, {"Authorization": "Bearer other"}
    path = f"/v2/models/{LENET}/infer"
    with running(models_for(LENET, TAGGER), clients=clients) as server:
        nobody = ask(server.http, "POST", path, "not even JSON")
        assert (nobody.status, nobody.headers["www-authenticate"]) == (401, "Bearer")
        assert ask(server.http, "GET", "/v2").status == 401
        assert ask(server.http, "GET", "/v2/health/ready").status == 200
        assert ask(server.http, "POST", path, body, one).status == 200
        assert ask(server.http, "GET", f"/v2/models/{TAGGER}", headers=one).status == 403
        assert ask(server.http, "GET", f"/v2/models/{TAGGER}", headers=two).status == 200
        assert [ask(server.http, "POST", path, body, two).status for _ in range(3)] == [200, 200, 429]
        assert ask(server.http, "POST", path, body, two).headers["retry-after"] > "1"
        metrics = ask(server.admin, "GET", "/metrics").body.decode()
    assert 'bridge_requests_refused_total{carrier="http",reason="unauthenticated"} 2.0' in metrics
    assert 'bridge_requests_refused_total{carrier="http",reason="quota"} 2.0' in metrics
    assert KEY not in server.log.getvalue()
