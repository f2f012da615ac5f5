"""Input guards in the server: whom they refuse, whom that does not concern, and where it can be seen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import yaml

from bridge.errors import GuardRefusedError, InvalidOptionError, ModelFailedError
from bridge.package.interface import Tensor
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.guard import Array
from bridge.runtime.guards.guarded import GuardedModel
from bridge.runtime.guards.interface import InterfaceGuard
from bridge.runtime.guards.pipeline import Pipeline
from bridge.runtime.served import ServedModel
from bridge.runtime.supervision.supervised import SupervisedModel
from bridge.serve.grpc.messages import message_class
from bridge.serve.loading import load_model
from bridge.serve.models.guarding import guarded
from bridge.serve.observing.status import GuardFigures, ModelStatus, Status
from bridge.serve.observing.status_page import render_status
from bridge.serve.settings import BatchSettings, ModelSettings
from bridge.trust.policy.document import policy_for
from tests.runtime.guards.digits_guards import digits, fitted_digits, junk
from tests.runtime.packages import golden_package
from tests.serve.asking import Answer, ask, infer, outputs_of, request_of
from tests.serve.running import LENET, TAGGER, Running, example, loaded, model_settings, running
from tests.serve.slow_models import GatedModel, document
from tests.serve.test_batching import wait_until
from tests.serve.test_configuration import BRIDGE, told
from tests.serve.test_grpc import call
from tests.serve.test_grpc import refused as refused_by_grpc

X = Tensor("x", "float32", ("N", 2), minimum=0.0, maximum=100.0)
SHA256 = "12" * 32


def behind(model: ServedModel, *guards: Any) -> GuardedModel:
    return GuardedModel(model, Pipeline(guards), sha256=SHA256)


def post(port: int, *values: float) -> Answer:
    return ask(port, "POST", "/v2/models/gated/infer", json.dumps(document(*values)))


@pytest.fixture
def gated() -> Iterator[tuple[Running, GatedModel]]:
    """A model that waits, behind a range and a sanitiser to whole numbers."""
    model = GatedModel()
    guards = InterfaceGuard(X), BitDepthSqueeze("x", 7, 0.0, 127.0)
    with running([(model_settings("gated"), behind(model, *guards))]) as server:
        yield server, model


def counts(server: Running) -> dict[str, dict[str, Any]]:
    status = ask(server.admin, "GET", "/status.json").document
    return {guard["name"]: guard for guard in status["models"][0]["guards"]}


def test_who_is_refused_is_told_by_which_guard_what_was_expected_and_found(gated: tuple[Running, GatedModel]) -> None:
    server, model = gated
    model.gate.set()
    refused = post(server.http, 1.0, 321.5)
    assert refused.status == 400
    said = "input 'x': expected values from 0 to 100; found 1 to 321.5; refused by the guard range"
    assert refused.document == {"error": said}
    request = message_class("ModelInferRequest")(model_name="gated")
    request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    request.raw_input_contents.append(np.asarray([[1, 321.5]], np.float32).tobytes())
    assert refused_by_grpc(server.grpc, request) == (grpc.StatusCode.INVALID_ARGUMENT, said)
    assert model.calls == []


def test_logs_have_the_guards_name_and_nothing_of_the_request(gated: tuple[Running, GatedModel]) -> None:
    server, model = gated
    model.gate.set()
    post(server.http, 321.5)
    post(server.http, 2.25)
    wait_until(lambda: '"request"' in server.log.getvalue())
    events = [json.loads(line) for line in server.log.getvalue().splitlines()]
    (refused,) = [event for event in events if event["event"] == "refused"]
    assert (refused["reason"], refused["guard"], refused["status"]) == ("guard", "range", 400)
    assert "321" not in server.log.getvalue()
    assert "2.25" not in server.log.getvalue()


def test_metrics_count_what_each_guard_did(gated: tuple[Running, GatedModel]) -> None:
    server, model = gated
    model.gate.set()
    for value in (1.0, 2.25, 321.5):
        post(server.http, value)
    text = ask(server.admin, "GET", "/metrics").body.decode()
    labels = 'guard="{}",model="gated",version="1"'
    assert f"bridge_guard_seen_total{{{labels.format('range')}}} 3.0" in text
    assert f"bridge_guard_refused_total{{{labels.format('range')}}} 1.0" in text
    assert f"bridge_guard_seen_total{{{labels.format('bit-depth')}}} 2.0" in text
    assert f"bridge_guard_changed_total{{{labels.format('bit-depth')}}} 1.0" in text
    assert "bridge_guard_seconds_total" in text
    assert 'bridge_requests_refused_total{carrier="http",reason="guard"} 1.0' in text


def test_metadata_names_the_guards_and_their_file(gated: tuple[Running, GatedModel]) -> None:
    server, _ = gated
    parameters = ask(server.http, "GET", "/v2/models/gated").document["parameters"]
    assert (parameters["guards"], parameters["guards_sha256"]) == ("range,bit-depth", f"sha256:{SHA256}")
    answer = call(server.grpc, "ModelMetadata", message_class("ModelMetadataRequest")(name="gated"))
    assert answer.parameters["guards"].string_param == "range,bit-depth"


def test_one_refused_request_leaves_those_that_came_with_it_alone(gated: tuple[Running, GatedModel]) -> None:
    server, model = gated
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(post, server.http, 1.0)
        assert model.entered.wait(5)
        values = [2.0, 321.5, 3.25, 4.0, -1.0, 5.0]
        rest = [pool.submit(post, server.http, value) for value in values]
        wait_until(lambda: server.server._repository.find("gated").waiting == len(values))
        model.gate.set()
        answers = [future.result() for future in (first, *rest)]
    assert [answer.status for answer in answers] == [200, 200, 400, 200, 200, 400, 200]
    found = [outputs_of(answer.document)["y"][0, 0] for answer in answers if answer.status == 200]
    assert found == [2.0, 4.0, 6.0, 8.0, 10.0], "3.25 was rounded to 3 before it was doubled"
    assert model.calls == [1, 4], "those that passed were answered together"
    found_counts = counts(server)
    assert {name: found_counts["range"][name] for name in ("seen", "refused", "changed")} == {
        "seen": 7,
        "refused": 2,
        "changed": 0,
    }
    assert {name: found_counts["bit-depth"][name] for name in ("seen", "changed")} == {"seen": 5, "changed": 1}


def test_a_batch_that_fails_is_tried_one_by_one_and_judged_once() -> None:
    def refuse_sevens(x: Array) -> None:
        if (x == 7).any():
            raise MemoryError

    model = GatedModel(refuse_sevens)
    settings = model_settings("gated", batch=BatchSettings(32, 0.3))
    with running([(settings, behind(model, InterfaceGuard(X)))]) as server, ThreadPoolExecutor(4) as pool:
        model.gate.set()
        answers = list(pool.map(lambda value: post(server.http, value), [5.0, 7.0, 6.0]))
        assert [answer.status for answer in answers if answer.status == 200] == [200, 200]
        assert counts(server)["range"]["seen"] == 3


def test_padding_is_not_shown_to_the_guards() -> None:
    words = Tensor("words", "float32", ("N", "T", 80), minimum=0.5, maximum=2.0)
    sent = [{"words": example(TAGGER, 1, steps, steps)["words"] + np.float32(0.75)} for steps in (3, 7, 5)]
    alone = loaded(TAGGER)
    settings = model_settings(TAGGER, batch=BatchSettings(32, 0.5))
    with running([(settings, behind(loaded(TAGGER), InterfaceGuard(words)))]) as server, ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda inputs: infer(server.http, TAGGER, inputs), sent))
    for inputs, answer in zip(sent, found, strict=True):
        np.testing.assert_allclose(answer["tags"], alone.run(inputs)["tags"], rtol=1e-5, atol=1e-6)
    events = [json.loads(line) for line in server.log.getvalue().splitlines()]
    assert max(event["batch"] for event in events if event["event"] == "request") > 1


def test_a_guard_that_fails_is_left_to_the_models_supervisor() -> None:
    class Closed(BitDepthSqueeze):
        def apply(self, value: Array, call: object = None) -> Array:
            del value, call
            raise ModelFailedError("no features")

    model = SupervisedModel(lambda _: behind(GatedModel(), Closed("x", 4)), "package")
    settings = model_settings("gated", batch=BatchSettings(32, 0.3))
    with running([(settings, model)]) as server, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda value: post(server.http, float(value)), range(8)))
    assert {answer.status for answer in answers} <= {422, 429}
    assert model.breaker.value == "open"


def test_the_status_page_shows_guards_and_escapes_their_names() -> None:
    figures = GuardFigures("<b>range</b>", "guard", "image", 1200, 34, 0, 0.5)
    shown = ModelStatus("digits", "1", "", "", "none", 0, 0, None, None, (figures,), SHA256)
    page = render_status(Status(True, 1.0, (shown,), ()))
    assert "Input guards" in page
    assert "<b>range" not in page
    assert "&lt;b&gt;range" in page
    assert ">1,200<" in page
    assert ">34<" in page
    assert "Input guards" not in render_status(Status(True, 1.0, (), ()))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of the digits' network, and guards for it."""
    folder = tmp_path_factory.mktemp("served")
    fitted_digits(folder, kinds=("range", "distribution"))
    return folder


def serving(folder: Path, **model: Any) -> subprocess.Popen[str]:
    """``bridge serve`` with one model, in a process of its own."""
    entry = {"name": "digits", "package": "package", "guards": "guards/guards.yaml", **model}
    settings = {
        "format": "cntk-bridge/serve/1",
        "listen": {"port": 0, "admin_port": 0},
        "models": [entry],
        "allow_unsigned": True,
    }
    (folder / "serve.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-c", BRIDGE, "serve", "--config", str(folder / "serve.yaml"), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_guards_of_the_configuration_stand_before_the_model_and_are_reloaded_with_it(place: Path, isolation: str) -> None:
    file = place / "guards" / "guards.yaml"
    fitted = file.read_text()
    with serving(place, isolation=isolation, fallback="package") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            ports = json.loads(process.stdout.readline())["ports"]
            expected = loaded(LENET).run({"image": digits()[:2]})["z"]
            np.testing.assert_allclose(infer(ports["http"], "digits", {"image": digits()[:2]})["z"], expected, rtol=1e-4)
            assert refusal(ports["http"], junk(16)) == "refused by the guard distribution"
            file.write_text("guards: [{kind: range}]")
            os.kill(process.pid, signal.SIGHUP)
            assert told(process.stderr, "reload-refused")["error"] == "InvalidOptionError"
            assert refusal(ports["http"], digits()[:1] * 255) == "refused by the guard range"
            file.write_text("guards: [{kind: range, input: image, maximum: 0.25, name: dark}]")
            os.kill(process.pid, signal.SIGHUP)
            assert told(process.stderr, "reloaded")["model"] == "digits"
            assert refusal(ports["http"], digits()[:1]) == "refused by the guard dark"
            assert ask(ports["http"], "GET", "/v2/models/digits").document["parameters"]["guards"] == "dark"
        finally:
            file.write_text(fitted)
            process.terminate()
            process.communicate(timeout=30)


def test_what_guards_did_is_counted_over_reloads_and_with_the_fallback(place: Path) -> None:
    package = place / "package"
    settings = ModelSettings("digits", package, fallback=package, guards=place / "guards" / "guards.yaml")
    model = load_model(settings, policy_for(), allow_unsigned=True)
    for expected in (1, 2):
        with pytest.raises(GuardRefusedError):
            model.run({"image": digits()[:1] * 255})
        guards = guarded(model)
        assert guards is not None
        assert guards.pipeline.counts()["range"].refused == expected
        model.reload(package)
    model.close()


def refusal(port: int, image: Array) -> str:
    """The last words of a refusal."""
    answer = ask(port, "POST", "/v2/models/digits/infer", json.dumps(request_of({"image": image})))
    assert answer.status == 400, answer.body
    return str(answer.document["error"].rpartition("; ")[2])


def test_a_fallback_that_the_guards_were_not_fitted_on_is_refused(place: Path, tmp_path: Path) -> None:
    other = golden_package(LENET, tmp_path / "other", external_data_threshold=1)  # The same network in another file.
    settings = ModelSettings("digits", place / "package", fallback=other, guards=place / "guards" / "guards.yaml")
    with pytest.raises(InvalidOptionError, match="fitted on another model"):
        load_model(settings, policy_for(), allow_unsigned=True)
    (tmp_path / "range.yaml").write_text("guards: [{kind: range, input: image, maximum: 1}]")
    model = load_model(replace(settings, fallback_guards=tmp_path / "range.yaml"), policy_for(), allow_unsigned=True)
    assert model.identity.guards == ("range", "distribution")
    model.close()
