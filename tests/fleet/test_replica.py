"""One replica without Ray around it: what it answers over HTTP, what it refuses, and when it says that it is not well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import bridge
from bridge.errors import ModelFailedError
from bridge.fleet.application import planned
from bridge.fleet.health import Health
from bridge.fleet.hosting import Hosting
from bridge.fleet.http_application import HttpApplication
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.supervision.supervised import SupervisedModel
from bridge.serve.models.hosted import HostedModel
from bridge.serve.observing.logs import Log
from tests.fleet.packages import Workplace, images
from tests.serve.asking import Answer, outputs_of, request_of
from tests.serve.running import model_settings
from tests.serve.slow_models import GatedModel

INFER = "/v2/models/digits/infer"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("replica"))


@asynccontextmanager
async def hosting(place: Workplace, log: StringIO | None = None, **changes: Any) -> AsyncIterator[Hosting]:
    plan = planned({"configuration": str(place.configuration(**changes))})
    one = await Hosting.start(plan, {"replica": "first"}, Log(log or StringIO()))
    try:
        yield one
    finally:
        await one.close()


async def call(
    application: HttpApplication,
    method: str,
    path: str,
    pieces: Sequence[bytes] = (b"",),
    headers: Sequence[tuple[str, str]] = (),
    pause: float = 0.0,
) -> Answer:
    """One request as Ray's proxy hands it over, its body in ``pieces`` with a ``pause`` before each."""
    left, sent = list(pieces), []
    given = [(name.encode(), value.encode()) for name, value in headers]
    if method == "POST":
        given.append((b"transfer-encoding", b"chunked"))

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "raw_path": path.encode(), "path": path, "headers": given, "client": ("::1", 1)}
    await application(scope, receive, send)
    start, body = sent
    return Answer(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"])


def asked(rows: int = 2, **more: Any) -> bytes:
    return json.dumps(request_of(images(rows)) | more).encode()


def with_replica(place: Workplace, ask: Callable[[Hosting], Awaitable[None]], **changes: Any) -> None:
    async def live() -> None:
        async with hosting(place, **changes) as one:
            await ask(one)

    asyncio.run(live())


def test_it_answers_bit_for_bit_as_the_runtime_does_and_says_who_it_is(place: Workplace) -> None:
    model = bridge.load(place.package, policy=place.policy, limits=RuntimeLimits(intra_op_threads=1))
    expected = model.run(images(2))["z"]
    model.close()

    async def ask(one: Hosting) -> None:
        answer = await call(one.http, "POST", INFER, [asked()[:50], asked()[50:]])
        assert outputs_of(answer.document)["z"].tobytes() == expected.tobytes()
        assert answer.headers["bridge-replica"] == "first"
        assert (await call(one.http, "GET", "/v2/models/digits")).document["parameters"]["replica"] == "first"

    with_replica(place, ask)


@pytest.mark.parametrize(
    ("pieces", "headers", "status"),
    [
        ([b"x" * 2000], [], 413),
        ([b"x" * 600, b"x" * 600], [], 413),
        ([b""], [("content-length", "2000")], 413),
        ([b""], [("content-length", "²")], 413),
        ([b"{"], [], 400),
        ([b"{}"], [("authorization", "a"), ("authorization", "b")], 400),
        ([b"{}"], [("x", "y" * 20_000)], 431),
        ([b"{}"], [(f"x{index}", "y") for index in range(70)], 431),
    ],
)
def test_what_a_replica_bounds_of_a_request(
    place: Workplace, pieces: list[bytes], headers: list[tuple[str, str]], status: int
) -> None:
    async def ask(one: Hosting) -> None:
        answer = await call(one.http, "POST", INFER, pieces, headers)
        assert answer.status == status
        assert "error" in answer.document
        assert one.metrics.refusals.total() == 1
        assert (await call(one.http, "GET", "/v2/health/live")).status == 200

    with_replica(place, ask, limits={"request_bytes": 1000})


def test_a_body_that_does_not_arrive_is_not_waited_for(place: Workplace) -> None:
    async def ask(one: Hosting) -> None:
        assert (await call(one.http, "POST", INFER, [b"{", b"}"], pause=0.3)).status == 408

    with_replica(place, ask, limits={"body_seconds": 0.2})


def test_deadlines_and_full_queues_are_told_apart(place: Workplace) -> None:
    async def ask(one: Hosting) -> None:
        late = asked(1, parameters={"timeout": 100_000})
        answers = await asyncio.gather(*(call(one.http, "POST", INFER, [late]) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [429, 429, 429, 504, 504]
        assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status == 429)

    with_replica(place, ask, batch={"rows": 64, "delay_seconds": 2.0}, queue={"requests": 2})


def test_a_replica_that_stops_takes_no_more(place: Workplace) -> None:
    async def ask(one: Hosting) -> None:
        one.inference.draining = True
        answer = await call(one.http, "GET", "/v2/health/ready")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")

    with_replica(place, ask)


def test_a_key_is_asked_for_where_there_are_clients(place: Workplace) -> None:
    from bridge.serve.clients.identity import new_key

    key, kept = new_key()

    async def ask(one: Hosting) -> None:
        assert (await call(one.http, "POST", INFER, [asked()])).status == 401
        assert (await call(one.http, "POST", INFER, [asked()], [("authorization", f"Bearer {key}")])).status == 200

    with_replica(place, ask, clients=[{"name": "web", "key_sha256": kept}])


def test_nothing_that_a_client_sent_stands_in_the_log(place: Workplace) -> None:
    log = StringIO()

    async def live() -> None:
        async with hosting(place, log) as one:
            await call(one.http, "GET", "/v2/models/secret-name")
            await call(one.http, "POST", INFER, [asked(1, id="secret-id")])

    asyncio.run(live())
    assert "secret" not in log.getvalue()
    assert {json.loads(line)["event"] for line in log.getvalue().splitlines()} == {"started", "refused", "request", "stopped"}


def test_a_model_that_answers_its_smallest_inputs_is_well(place: Workplace) -> None:
    async def ask(one: Hosting) -> None:
        await one.health.check()

    with_replica(place, ask)


def test_a_model_that_does_not_answer_is_not_well_unless_it_has_answered_since() -> None:
    def fail(_: Any) -> None:
        raise ModelFailedError("the engine is gone")

    async def live() -> None:
        gated = GatedModel(fail)
        gated.gate.set()
        served = SupervisedModel(lambda _: gated, Path("gated"))
        hosted = HostedModel(served, model_settings("gated"), lambda *_: None)
        health = Health([(served, hosted)])
        with pytest.raises(ModelFailedError, match="'gated' does not answer"):
            await health.check()
        hosted.answered += 1
        await health.check()
        with pytest.raises(ModelFailedError, match="'gated' does not answer"):
            await health.check()
        hosted.close()

    asyncio.run(live())


def test_the_application_lives_as_asgi_has_it(place: Workplace) -> None:
    async def live() -> None:
        plan = planned({"configuration": str(place.configuration())})
        one = await Hosting.start(plan, {}, Log(StringIO()))
        messages, sent = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message["type"])

        await one.http({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        assert one.inference.draining

    asyncio.run(live())
