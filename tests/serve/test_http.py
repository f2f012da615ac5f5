"""The protocol over HTTP."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import numpy as np
import pytest

from tests.serve.asking import ask, infer, raw, read_all, request_of
from tests.serve.running import LENET, ROOT_DIGEST, SIGNER, TAGGER, Running, example, loaded, model_settings, models_for, running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    older, newer = loaded(LENET, "digits", "9"), loaded(LENET, "digits", "10")
    versions = [(model_settings("digits", version=m.identity.version), m) for m in (older, newer)]
    with running([*models_for(LENET, TAGGER), *versions]) as one:
        yield one


def post(server: Running, body: bytes | str, headers: dict[str, str] | None = None, model: str = LENET) -> tuple[int, str]:
    answer = ask(server.http, "POST", f"/v2/models/{model}/infer", body, headers)
    return answer.status, answer.document.get("error", "")


def test_health_and_metadata_are_those_of_the_protocol(server: Running) -> None:
    assert ask(server.http, "GET", "/v2/health/live").document == {"live": True}
    assert ask(server.http, "GET", "/v2/health/ready").document == {"ready": True}
    assert ask(server.http, "GET", f"/v2/models/{LENET}/ready").document == {"name": LENET, "ready": True}
    assert ask(server.http, "GET", "/v2").document["name"] == "cntk-bridge"


def test_a_models_metadata_says_who_vouches_for_it(server: Running) -> None:
    told = ask(server.http, "GET", f"/v2/models/{TAGGER}").document
    assert told["inputs"][0] == {"name": "words", "datatype": "FP32", "shape": [-1, -1, 80]}
    assert told["parameters"] == {
        "root_digest": f"sha256:{ROOT_DIGEST}",
        "signer": SIGNER,
        "sandbox": "none",
        "optional_inputs": "lengths",
        "symbol.N": "1..64 batch",
        "symbol.T": "1..4096 steps",
    }


def test_an_answer_in_json_is_what_the_model_gives(server: Running) -> None:
    inputs = example(LENET, 3)
    expected = loaded(LENET).run(inputs)
    found = infer(server.http, LENET, inputs, id="one")
    np.testing.assert_allclose(found["z"], expected["z"], rtol=1e-6)


def test_nested_data_and_integers_for_floats_are_read(server: Running) -> None:
    ones = np.ones((1, 1, 8, 8), np.float32)
    document = request_of({"image": ones})
    document["inputs"][0]["data"] = ones.astype(int).tolist()
    answer = ask(server.http, "POST", f"/v2/models/{LENET}/infer", json.dumps(document))
    assert answer.status == 200
    np.testing.assert_allclose(answer.document["outputs"][0]["data"], loaded(LENET).run({"image": ones})["z"][0], rtol=1e-6)


def test_binary_tensors_go_both_ways(server: Running) -> None:
    image = example(LENET, 2)["image"]
    tensor = {"name": "image", "datatype": "FP32", "shape": [2, 1, 8, 8], "parameters": {"binary_data_size": image.nbytes}}
    head = json.dumps({"inputs": [tensor], "outputs": [{"name": "z", "parameters": {"binary_data": True}}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = ask(server.http, "POST", f"/v2/models/{LENET}/infer", head + image.tobytes(), headers)
    split = int(answer.headers["inference-header-content-length"])
    assert json.loads(answer.body[:split])["outputs"][0]["parameters"] == {"binary_data_size": 80}
    found = np.frombuffer(answer.body[split:], np.float32).reshape(2, 10)
    np.testing.assert_allclose(found, loaded(LENET).run({"image": image})["z"], rtol=1e-5)


def test_the_newest_version_answers_unless_another_is_named(server: Running) -> None:
    body = json.dumps(request_of(example(LENET)))
    assert ask(server.http, "POST", "/v2/models/digits/infer", body).document["model_version"] == "10"
    assert ask(server.http, "POST", "/v2/models/digits/versions/9/infer", body).document["model_version"] == "9"
    assert ask(server.http, "POST", "/v2/models/digits/versions/11/infer", body).status == 404


def test_a_compressed_request_is_read(server: Running) -> None:
    body = gzip.compress(json.dumps(request_of(example(LENET))).encode())
    assert post(server, body, {"Content-Encoding": "gzip"})[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "not JSON"),
        (b"[]", 400, "expected an object"),
        (b'{"inputs": []}', 400, "at least one"),
        (b'{"inputs": [], "inputs": []}', 400, "stands twice"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, 400, "nested too deeply"),
        (b'{"id": 123456789012345678901234567890123, "inputs": []}', 400, "inputs: expected at least one"),
        (b'{"id": "\\\\", "x": 99999999999999999999, "inputs": []}', 400, "beyond 64 bits"),
        (b'{"id": NaN, "inputs": []}', 400, "no JSON number"),
        (b'{"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["a"]}]}', 400, "datatype"),
        (b'{"inputs": [{"name": "image", "datatype": "FP32", "shape": [-1], "data": [1]}]}', 400, "whole extents"),
        (
            b'{"inputs": [{"name": "image", "datatype": "FP32", "shape": [1099511627776, 9], "data": []}]}',
            400,
            "more",
        ),
        (b'{"inputs": [{"name": "image", "datatype": "FP32", "shape": [2], "data": [1e39, 0]}]}', 400, "range of FP32"),
        (b'{"inputs": [{"name": "image", "datatype": "INT8", "shape": [1], "data": [128]}]}', 400, "range of INT8"),
        (b'{"inputs": [{"name": "image", "datatype": "INT64", "shape": [1], "data": [1.5]}]}', 400, "another kind"),
        (b'{"inputs": [{"name": "image", "datatype": "FP32", "shape": [2], "data": [1]}]}', 400, "expected 2 elements"),
        (b'{"inputs": [{"name": "image", "datatype": "FP32", "shape": [1], "data": [1%b]}]}' % (b"0" * 60), 400, "range of FP32"),
        (b'{"inputs": [{"name": "image", "datatype": "FP32", "shape": [2], "data": [[1], ["a"]]}]}', 400, "another kind"),
        (b'{"inputs": [' + b"[]," * (1 << 18) + b"1]}", 413, "lists: send the tensors flat"),
        (b'{"inputs": [{"name": "nobody", "datatype": "FP32", "shape": [1], "data": [1]}]}', 400, "image"),
        (b'{"inputs": [{"name": "image", "datatype": "FP64", "shape": [1], "data": [1]}]}', 400, "float32"),
    ],
)
def test_what_is_no_request_is_refused_with_the_place(server: Running, body: bytes, status: int, said: str) -> None:
    found, error = post(server, body)
    assert found == status
    assert said in error


def test_long_arrays_hide_nothing_from_the_strict_reader(server: Running) -> None:
    numbers = ",".join(["1"] * 64)
    head = '{"inputs": [{"name": "image", "datatype": "FP32", "shape": [1,1,8,8], "data": '
    assert post(server, f"{head}[{numbers}]}}]}}")[0] == 200
    for data, said in (
        (f'[{numbers}], "data": [{numbers}]', "stands twice"),
        (f"[{numbers},1e400]", "beyond double precision"),
        (f"[{numbers},[1]]", "even array"),
        (f"[{numbers}", "not JSON"),
        (f"[{numbers}]]", "not JSON"),
        (f'"[{numbers}]"', "expected a list"),
        ("[" * 200 + numbers + "]" * 200, ""),
        (f'["true",{numbers}]', "another kind"),
    ):
        status, error = post(server, f"{head}{data}}}]}}")
        assert (status, said in error) == (400, True), (data[:80], status, error)


def test_a_bomb_of_gzip_is_refused_while_it_comes_out(server: Running) -> None:
    bomb = gzip.compress(bytes(80 << 20))
    assert len(bomb) < 100_000
    assert post(server, bomb, {"Content-Encoding": "gzip"}) == (413, "the body has more than 67108864 bytes when inflated")


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more"],
    ids=["other", "cut short", "with more behind"],
)
def test_what_is_not_one_whole_stream_is_refused(server: Running, body: bytes) -> None:
    assert post(server, body, {"Content-Encoding": "gzip"})[0] == 400


def test_an_unknown_encoding_is_refused(server: Running) -> None:
    assert post(server, b"{}", {"Content-Encoding": "br"})[0] == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/repository/index", 404),
        ("POST", f"/v2/repository/models/{LENET}/load", 404),
        ("POST", "/v2/systemsharedmemory/region/x/register", 404),
        ("GET", "/metrics", 404),
        ("GET", f"/v2/models/{LENET}/infer", 405),
        ("DELETE", f"/v2/models/{LENET}", 405),
        ("GET", "/v2/models//", 404),
        ("GET", "/v2/models/%2e%2e%2fetc", 404),
    ],
)
def test_there_is_nothing_but_the_protocol(server: Running, method: str, path: str, status: int) -> None:
    assert ask(server.http, method, path, b"" if method == "POST" else None).status == status


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # Sums of what is nearly too great to be finite.
def test_not_a_number_is_not_written_as_json(server: Running) -> None:
    inputs = example(LENET)
    inputs["image"][:] = 3e38
    status, error = post(server, json.dumps(request_of(inputs)))
    assert (status, "ask for binary data" in error) == (422, True), error


def test_two_requests_in_one_write_are_answered_in_order(server: Running) -> None:
    one = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    two = b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with raw(server.http) as connection:
        connection.sendall(one + two)
        answered = read_all(connection)
    assert answered.index(b'"live"') < answered.index(b'"ready"')


def test_a_client_that_expects_to_be_told_to_continue_is_told(server: Running) -> None:
    body = json.dumps(request_of(example(LENET))).encode()
    head = f"POST /v2/models/{LENET}/infer HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
    with raw(server.http) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert read_all(connection).startswith(b"HTTP/1.1 200")


def test_chunked_bodies_are_read(server: Running) -> None:
    body = json.dumps(request_of(example(LENET))).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:100], body[100:])) + b"0\r\n\r\n"
    head = f"POST /v2/models/{LENET}/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with raw(server.http) as connection:
        connection.sendall(head.encode() + chunks)
        assert read_all(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v2/health/live\r\n\r\n",
        b"GET /v2/health/live HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
    ],
)
def test_requests_with_two_readings_end_the_connection(server: Running, head: bytes) -> None:
    with raw(server.http) as connection:
        connection.sendall(head)
        assert read_all(connection).startswith(b"HTTP/1.1 400")


def test_a_head_that_is_too_long_is_refused(server: Running) -> None:
    for head in (b"GET /" + b"a" * 20_000, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 70):
        with raw(server.http) as connection:
            connection.sendall(head)
            assert read_all(connection).startswith(b"HTTP/1.1 431")


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(server: Running) -> None:
    with raw(server.http) as connection:
        connection.sendall(f"POST /v2/models/{LENET}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n".encode())
        assert read_all(connection).startswith(b"HTTP/1.1 413")
