"""Requests that are answered together get what each would have had alone."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bridge.errors import ModelFailedError
from bridge.runtime.served import Array
from bridge.serve.models.merging import Merger
from bridge.serve.settings import BatchSettings, QueueSettings
from tests.serve.asking import Answer, ask, infer, outputs_of
from tests.serve.running import TAGGER, converted, example, loaded, model_settings, running
from tests.serve.slow_models import GatedModel, document


def post(port: int, *values: float, **more: object) -> Answer:
    return ask(port, "POST", "/v2/models/gated/infer", json.dumps(document(*values) | more))


def test_ragged_sequences_are_answered_together_as_alone() -> None:
    alone = loaded(TAGGER)
    asked = [example(TAGGER, rows, steps, seed) for seed, (rows, steps) in enumerate([(1, 3), (2, 7), (1, 5), (1, 4), (3, 6)])]
    asked[2]["lengths"] = np.array([4], np.int64)
    settings = model_settings(TAGGER, batch=BatchSettings(32, 0.5))
    with running([(settings, loaded(TAGGER))]) as server, ThreadPoolExecutor(len(asked)) as pool:
        found = list(pool.map(lambda inputs: infer(server.http, TAGGER, inputs), asked))
    for inputs, answer in zip(asked, found, strict=True):
        expected = alone.run(inputs)["tags"]
        assert answer["tags"].shape == expected.shape
        np.testing.assert_allclose(answer["tags"], expected, rtol=1e-5, atol=1e-6)
    events = [json.loads(line) for line in server.log.getvalue().splitlines()]
    assert max(event["batch"] for event in events if event["event"] == "request") > 1


def test_what_arrives_while_the_model_works_is_answered_in_one_call() -> None:
    model = GatedModel()
    with running([(model_settings("gated"), model)]) as server, ThreadPoolExecutor(9) as pool:
        first = pool.submit(post, server.http, 1.0)
        assert model.entered.wait(5)
        rest = [pool.submit(post, server.http, float(value)) for value in range(2, 9)]
        wait_until(lambda: server.server._repository.find("gated").waiting == 7)
        model.gate.set()
        answers = [future.result() for future in (first, *rest)]
    assert model.calls == [1, 7]
    assert [outputs_of(answer.document)["y"][0, 0] for answer in answers] == [2.0 * value for value in range(1, 9)]


def test_a_batch_never_has_more_rows_than_allowed() -> None:
    model = GatedModel()
    with running([(model_settings("gated", batch=BatchSettings(4)), model)]) as server, ThreadPoolExecutor(9) as pool:
        futures = [pool.submit(post, server.http, float(value), float(value)) for value in range(5)]
        model.gate.set()
        assert all(future.result().status == 200 for future in futures)
    assert max(model.calls) <= 4
    assert sum(model.calls) == 10


def test_whoever_makes_a_batch_fail_fails_alone() -> None:
    def refuse_sevens(x: Array) -> None:
        if (x == 7).any():
            raise ModelFailedError("seven")

    model = GatedModel(refuse_sevens)
    with running([(model_settings("gated", batch=BatchSettings(8, 0.3)), model)]) as server, ThreadPoolExecutor(4) as pool:
        model.gate.set()
        answers = list(pool.map(lambda value: post(server.http, value), (6.0, 7.0, 8.0)))
    assert [answer.status for answer in answers] == [200, 422, 200]


def test_a_bug_in_a_model_ends_one_request_and_not_the_thread() -> None:
    def fail(x: Array) -> None:
        if (x == 7).any():
            raise KeyError("secret")

    model = GatedModel(fail)
    model.gate.set()
    with running([(model_settings("gated"), model)]) as server:
        assert post(server.http, 7.0).document == {"error": "the server has a fault; its log tells more"}
        assert post(server.http, 8.0).status == 200
    assert '"KeyError"' in server.log.getvalue()
    assert "secret" not in server.log.getvalue()


def test_a_full_queue_says_when_to_come_again() -> None:
    model = GatedModel()
    settings = model_settings("gated", queue=QueueSettings(requests=2), batch=BatchSettings(1))
    with running([(settings, model)]) as server, ThreadPoolExecutor(9) as pool:
        first = pool.submit(post, server.http, 1.0)
        assert model.entered.wait(5)
        waiting = [pool.submit(post, server.http, 2.0) for _ in range(2)]
        wait_until(lambda: server.server._repository.find("gated").waiting == 2)
        refused = post(server.http, 3.0)
        model.gate.set()
        assert [future.result().status for future in (first, *waiting)] == [200, 200, 200]
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) >= 1


def test_bytes_that_wait_are_bounded_too() -> None:
    model = GatedModel()
    with running([(model_settings("gated", queue=QueueSettings(bytes=20)), model)]) as server:
        assert post(server.http, 1.0, 2.0, 3.0).status == 429
        model.gate.set()
        assert post(server.http, 1.0).status == 200


def test_a_request_with_a_timeout_is_told_on_time() -> None:
    model = GatedModel()
    with running([(model_settings("gated"), model)]) as server:
        begun = time.monotonic()
        answer = post(server.http, 1.0, parameters={"timeout": 200_000})
        assert time.monotonic() - begun < 5
        assert (answer.status, answer.document["error"]) == (504, "the model gave no answer within 0.2 s")
        model.gate.set()


def test_whom_nobody_waits_for_is_not_answered() -> None:
    model = GatedModel()
    with running([(model_settings("gated", batch=BatchSettings(1)), model)]) as server, ThreadPoolExecutor(2) as pool:
        first = pool.submit(post, server.http, 1.0)
        assert model.entered.wait(5)
        assert post(server.http, 2.0, parameters={"timeout": 100_000}).status == 504
        model.gate.set()
        assert first.result().status == 200
    assert model.calls == [1]
    assert model.closed


def test_requests_with_other_outputs_or_types_do_not_go_together() -> None:
    _, interface = converted(TAGGER)
    merger = Merger(interface)
    binding = {"N": 1, "T": 4}
    one = merger.shaped(example(TAGGER, 1, 4), (), binding)
    assert one.key == merger.shaped(example(TAGGER, 2, 9), (), {"N": 2, "T": 9}).key
    assert one.key != merger.shaped(example(TAGGER, 1, 4), ("tags",), binding).key
    assert (one.rows, one.extents) == (1, {"T": 4})


@pytest.mark.parametrize("batch", [1, 8])
def test_every_one_of_many_requests_at_once_gets_its_own_answer(batch: int) -> None:
    model = GatedModel()
    model.gate.set()
    with running([(model_settings("gated", batch=BatchSettings(batch)), model)]) as server, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda value: post(server.http, float(value)), range(200)))
    assert [answer.document["outputs"][0]["data"] for answer in answers] == [[2.0 * v, 2.0 * v] for v in range(200)]


def wait_until(condition: object, seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    assert callable(condition)
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.005)
