"""Bodies that were changed at random, over HTTP and gRPC: refused or answered, never a fault, and the server lives."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from bridge.serve.grpc.messages import SERVICE
from bridge.serve.settings import HttpLimits
from tests.serve.asking import ask, raw, read_all, request_of
from tests.serve.peers import SCHEMATHESIS, needs_peers
from tests.serve.running import LENET, TAGGER, Running, example, models_for, running
from tests.serve.test_grpc import asked

FEW, MANY = 400, 50_000  # of each carrier
WORDS = (
    *(b"[", b"]", b"{", b"}", b'"', b",", b":", b"null", b"true", b"-1", b"1e999", b"9" * 40, b"NaN", b"\\u0000", b"\\ud800"),
    *(b'"data":', b'"shape":', b'"name":"image",', b'"datatype":"BOOL",', b'"parameters":{"binary_data_size":8}'),
    *(b"[[[[", b"1.5", b"\x00", b"\xff", b"0"),
)
HASTE = HttpLimits(header_seconds=2.0, body_seconds=2.0, request_bytes=1 << 20)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(models_for(LENET, TAGGER), limits=HASTE) as one:
        yield one
    assert '"fault"' not in one.log.getvalue()


def mutated(body: bytes, generator: random.Random) -> bytes:
    """``body`` with some bytes changed, cut, doubled, or replaced by words that parsers trip over."""
    changed = bytearray(body)
    for _ in range(generator.randint(1, 6)):
        place = generator.randrange(len(changed) + 1)
        match generator.randrange(5):
            case 0 if place < len(changed):
                changed[place] = generator.randrange(256)
            case 1:
                del changed[place : place + generator.randrange(1, 40)]
            case 2:
                changed[place:place] = generator.choice(WORDS)
            case 3:
                changed[place:place] = changed[place : place + generator.randrange(1, 60)]
            case _:
                changed[place : place + generator.randrange(8)] = generator.choice(WORDS)
    return bytes(changed)


def seeds() -> list[tuple[str, bytes, dict[str, str]]]:
    """Requests that are right: a path, a body, headers."""
    image = example(LENET)["image"]
    tensor = {"name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8], "parameters": {"binary_data_size": image.nbytes}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    words = example(TAGGER, 2, 3) | {"lengths": np.array([1, 3], np.int64)}
    small = {"id": "a", "inputs": request_of({"lengths": np.array([1], np.int64)})["inputs"], "outputs": [{"name": "tags"}]}
    return [
        (LENET, json.dumps(request_of({"image": image})).encode(), {}),
        (LENET, head + image.tobytes(), {"Inference-Header-Content-Length": str(len(head))}),
        (TAGGER, json.dumps(request_of(words)).encode(), {}),
        (TAGGER, json.dumps(small).encode(), {}),
    ]


def fuzz_http(port: int, count: int, seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311  # To be repeated, not to be secret.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    originals = seeds()
    for number in range(count):
        model, body, headers = generator.choice(originals)
        changed = mutated(body, generator)
        connection.request("POST", f"/v2/models/{model}/infer", changed, headers)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status in {200, 400, 413, 422}, (number, answer.status, said, changed)
    connection.close()


def fuzz_grpc(port: int, count: int, seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311  # To be repeated, not to be secret.
    original = asked(id="one", model_version="1").SerializeToString()
    allowed = {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(f"/{SERVICE}/ModelInfer")
        for number in range(count):
            changed = mutated(original, generator)
            answered = call.future(changed, timeout=30)
            assert answered.code() in allowed, (number, answered.code(), answered.details(), changed)


def fuzz_heads(port: int, count: int, seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311  # To be repeated, not to be secret.
    original = (
        f"POST /v2/models/{LENET}/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{{}}"
    )
    for number in range(count):
        changed = mutated(original.encode(), generator)
        with raw(port, timeout=0.1) as connection:
            connection.sendall(changed)
            said = read_all(connection)
        assert not said.startswith(b"HTTP/1.1 500"), (number, said, changed)


def test_changed_bodies_are_refused_or_answered_over_http(server: Running) -> None:
    fuzz_http(server.http, FEW, 1)


def test_changed_messages_are_refused_or_answered_over_grpc(server: Running) -> None:
    fuzz_grpc(server.grpc, FEW, 2)


def test_changed_heads_leave_the_server_alive(server: Running) -> None:
    fuzz_heads(server.http, FEW // 4, 3)
    assert ask(server.http, "GET", "/v2/health/ready").status == 200


@pytest.mark.slow
def test_fifty_thousand_changed_bodies_over_http(server: Running) -> None:
    fuzz_http(server.http, MANY, 4)


@pytest.mark.slow
def test_fifty_thousand_changed_messages_over_grpc(server: Running) -> None:
    fuzz_grpc(server.grpc, MANY, 5)


def test_the_interface_is_described_as_a_machine_reads_it(server: Running) -> None:
    document = ask(server.http, "GET", "/openapi.json").document
    assert document["openapi"] == "3.1.0"
    assert "/v2/models/{name}/versions/{version}/infer" in document["paths"]


@needs_peers
@pytest.mark.slow
def test_schemathesis_finds_no_fault(server: Running, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{server.http}"
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [str(SCHEMATHESIS), "run", f"{address}/openapi.json", "--checks", checks, "--max-examples", "25", "--seed", "1"]
    done = subprocess.run(
        [*command, "--no-color", "--generation-database", "none"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
