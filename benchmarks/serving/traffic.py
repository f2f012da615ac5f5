"""Clients of all kinds, good and bad, for ``benchmarks/soak_server.py``: each asks once, and says how that ended.

An outcome is ``(carrier, status)``, with HTTP's status or the name of gRPC's code, as the server counts it too.
"""

from __future__ import annotations

import gzip
import http.client
import json
import random
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import numpy as np

from bridge.serve.grpc.messages import SERVICE, message_class

HOST: Final = "127.0.0.1"
ENDLESS, LONG, LARGE = -1.0, -2.0, -3.0
HOSTILE_MICROSECONDS: Final = 200_000
PATIENCE: Final = 40.0  # seconds; whoever waits longer hangs
LIMIT: Final = 1 << 20

Array = np.ndarray[Any, np.dtype[Any]]
Outcome = tuple[str, str]
OK: Final = {"http": "200", "grpc": "OK"}


class WrongError(Exception):
    """The server did what it must never do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the server listens, the keys of two clients, and what the model of digits answers to each of the samples."""

    http: int
    grpc: int
    good: str
    hasty: str
    samples: Array
    answers: Array


@dataclass(slots=True)
class Caller:
    """One client with its connections, which it keeps while the server does."""

    target: Target
    chance: random.Random
    _http: http.client.HTTPConnection | None = None
    _grpc: Any = field(default=None)

    def infer(self, model: str, inputs: Mapping[str, Array], *, key: str, how: str, micros: int = 0) -> tuple[Outcome, Any]:
        """One inference as JSON, as binary tensors or over gRPC; the outcome, and the first output where there is one."""
        if how == "grpc":
            return self._over_grpc(model, inputs, key, micros)
        document: dict[str, Any] = {"inputs": [_described(name, array, how) for name, array in inputs.items()]}
        document["parameters"] = {"binary_data_output": how == "binary", **({"timeout": micros} if micros else {})}
        head = json.dumps(document).encode()
        headers = {"Authorization": f"Bearer {key}"}
        if how == "binary":
            headers["Inference-Header-Content-Length"] = str(len(head))
            head += b"".join(array.tobytes() for array in inputs.values())
        status, told, body = self.post(f"/v2/models/{model}/infer", head, headers)
        return ("http", str(status)), _output(told, body) if status == 200 else None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """One request over the connection that is kept."""
        if self._http is None:
            self._http = http.client.HTTPConnection(HOST, self.target.http, timeout=PATIENCE)
        try:
            self._http.request("POST", path, body, dict(headers))
            answer = self._http.getresponse()
            found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except BaseException:
            self.close()
            raise
        if answer.will_close:
            self.close()
        return found

    def close(self) -> None:
        """Close the connection of HTTP; the next request opens another."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _over_grpc(self, model: str, inputs: Mapping[str, Array], key: str, micros: int) -> tuple[Outcome, Any]:
        message = message_class("ModelInferRequest")(model_name=model)
        for name, array in inputs.items():
            message.inputs.add(name=name, datatype="FP32", shape=array.shape)
            message.raw_input_contents.append(array.tobytes())
        if micros:
            message.parameters["timeout"].int64_param = micros
        try:
            answer = self.call(message.SerializeToString(), key)
        except grpc.RpcError as error:
            return ("grpc", error.code().name), None
        (output,), (octets,) = answer.outputs, answer.raw_output_contents
        return ("grpc", "OK"), np.frombuffer(octets, np.float32).reshape(tuple(output.shape))

    def call(self, octets: bytes, key: str) -> Any:
        """One call with any bytes as its message."""
        if self._grpc is None:
            # A channel each: the library would share one connection among all of the process.
            options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
            self._grpc = grpc.insecure_channel(f"{HOST}:{self.target.grpc}", options).unary_unary(
                f"/{SERVICE}/ModelInfer", response_deserializer=message_class("ModelInferResponse").FromString
            )
        return self._grpc(octets, timeout=PATIENCE, metadata=(("authorization", f"Bearer {key}"),))


def _described(name: str, array: Array, how: str) -> dict[str, Any]:
    described: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": list(array.shape)}
    if how == "binary":
        return described | {"parameters": {"binary_data_size": array.nbytes}}
    return described | {"data": array.ravel().tolist()}


def _output(told: Mapping[str, str], body: bytes) -> Array:
    split = told.get("inference-header-content-length")
    (output,) = json.loads(body[: int(split)] if split else body)["outputs"]
    values = np.frombuffer(body[int(split) :], np.float32) if split else np.array(output["data"], np.float32)
    found: Array = values.reshape(output["shape"])
    return found


# What each kind of client does. Those of HTTP that misbehave below the level of requests use bare sockets.


def squares(caller: Caller) -> Outcome:
    """A good request to the model that can be told to hang."""
    values = np.full((caller.chance.randint(1, 64), 4), caller.chance.uniform(1, 9), np.float32)
    outcome, answer = caller.infer("mixed", {"x": values}, key=caller.target.good, how=_any_way(caller))
    if outcome[1] == OK[outcome[0]] and not np.array_equal(answer, values * values):
        raise WrongError("a wrong answer of the model that squares")
    return outcome


def digits(caller: Caller) -> Outcome:
    """A good request that is answered together with others."""
    rows = caller.chance.sample(range(len(caller.target.samples)), caller.chance.randint(1, 3))
    inputs = {"image": caller.target.samples[rows]}
    outcome, answer = caller.infer("digits", inputs, key=caller.target.good, how=_any_way(caller))
    if outcome[1] == OK[outcome[0]] and not np.allclose(answer, caller.target.answers[rows], rtol=1e-4, atol=1e-4):
        raise WrongError("a wrong answer of the model of digits")
    return outcome


def hostile(caller: Caller) -> Outcome:
    """A value that makes the model run for ever, for half a minute, or out of memory."""
    values = np.full((1, 4), caller.chance.choice([ENDLESS, LONG, LARGE]), np.float32)
    how = _any_way(caller)
    outcome, answer = caller.infer("mixed", {"x": values}, key=caller.target.good, how=how, micros=HOSTILE_MICROSECONDS)
    if answer is not None:
        raise WrongError("a hostile request was answered")
    return outcome


def infinite(caller: Caller) -> Outcome:
    """An answer that JSON has no word for."""
    inputs = {"x": np.full((1, 4), 1e30, np.float32)}
    return caller.infer("mixed", inputs, key=caller.target.good, how="json")[0]


def hasty(caller: Caller) -> Outcome:
    """A client that asks more often than it may."""
    return caller.infer("digits", {"image": caller.target.samples[:1]}, key=caller.target.hasty, how=_any_way(caller))[0]


def forbidden(caller: Caller) -> Outcome:
    """A client that asks what is not for it, or that nobody knows."""
    key = caller.chance.choice([caller.target.hasty, "bridge-nobody"])
    return caller.infer("mixed", {"x": np.ones((1, 4), np.float32)}, key=key, how=_any_way(caller))[0]


def malformed(caller: Caller) -> Outcome:
    """Bodies that are no requests."""
    key = caller.target.good
    if caller.chance.random() < 0.4:
        try:
            caller.call(caller.chance.randbytes(caller.chance.randint(1, 400)), key)
        except grpc.RpcError as error:
            return "grpc", error.code().name
        raise WrongError("noise was answered")
    good = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]})
    damaged = [
        good[:-5],
        good.replace("[1, 4]", "[1, 5]"),
        good.replace("3, 4", "3, NaN"),
        good.replace('"x"', '"z"'),
        "[" * 500,
        "{}",
    ]
    bodies = [text.encode() for text in damaged]
    bodies.append(caller.chance.randbytes(caller.chance.randint(1, 400)))
    status, _, _ = caller.post("/v2/models/mixed/infer", caller.chance.choice(bodies), {"Authorization": f"Bearer {key}"})
    return "http", str(status)


def oversized(caller: Caller) -> Outcome:
    """A body beyond the limit: as it is announced, as it comes in pieces, and as it is inflated."""
    request = f"POST /v2/models/mixed/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.target.good}\r\n"
    match caller.chance.randrange(3):
        case 0:
            return _raw(caller, f"{request}Content-Length: {LIMIT + 1}\r\n\r\n".encode())
        case 1:
            chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
            return _raw(caller, f"{request}Transfer-Encoding: chunked\r\n\r\n".encode(), *[chunk] * 17)
    headers = {"Authorization": f"Bearer {caller.target.good}", "Content-Encoding": "gzip"}
    return "http", str(caller.post("/v2/models/mixed/infer", gzip.compress(bytes(LIMIT + 1)), headers)[0])


def oversized_message(caller: Caller) -> Outcome:
    """The same over gRPC, whose library refuses it before the server hears of it."""
    try:
        caller.call(bytes(LIMIT + 1), caller.target.good)
    except grpc.RpcError as error:
        return "library", error.code().name
    raise WrongError("a message beyond the limit was answered")


def slow(caller: Caller) -> Outcome:
    """A request that drips, in its head or in its body, until the server has had enough."""
    body = caller.chance.random() < 0.5
    head = f"POST /v2/models/mixed/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.target.good}\r\n"
    return _raw(caller, (head + ("Content-Length: 1000\r\n\r\n" if body else "X-")).encode(), *[b"a"] * 100, pause=0.05)


def leaving(caller: Caller) -> Outcome:
    """A client that has gone before the answer comes."""
    inputs = [_described("x", np.full((1, 4), ENDLESS, np.float32), "json")]
    body = json.dumps({"inputs": inputs, "parameters": {"timeout": HOSTILE_MICROSECONDS}}).encode()
    head = f"POST /v2/models/mixed/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.target.good}\r\n"
    with socket.create_connection((HOST, caller.target.http), timeout=PATIENCE) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(0.05)
    return "http", "left"


def _any_way(caller: Caller) -> str:
    return caller.chance.choice(["json", "binary", "grpc"])


def _raw(caller: Caller, *pieces: bytes, pause: float = 0.0) -> Outcome:
    """Send the pieces while the server reads them, and read its answer."""
    with socket.create_connection((HOST, caller.target.http), timeout=PATIENCE) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It was told to stop, and its answer is there to be read.
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
        finally:
            # Gone at once: thousands of connections that linger would take all ports.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if not answer.startswith(b"HTTP/1.1 "):
        return "http", "nothing"
    return "http", answer[9:12].decode()


Kind = Callable[[Caller], Outcome]

GOOD: Final = frozenset({"200", "OK"})
FULL: Final = frozenset({"429", "RESOURCE_EXHAUSTED"})
LOST: Final = frozenset({"422", "FAILED_PRECONDITION"})
"""What a good request ends with that has lost two workers."""
EXPECTED: Final[Mapping[Kind, frozenset[str]]] = {
    squares: GOOD | FULL | LOST,
    digits: GOOD | FULL | LOST,
    hostile: frozenset({"504", "DEADLINE_EXCEEDED"}) | FULL | LOST,
    infinite: frozenset({"422"}) | FULL,
    hasty: GOOD | FULL | LOST,
    forbidden: frozenset({"401", "403", "UNAUTHENTICATED", "PERMISSION_DENIED"}),
    malformed: frozenset({"400", "INVALID_ARGUMENT", "404", "NOT_FOUND"}),
    oversized: frozenset({"413"}),
    oversized_message: frozenset({"RESOURCE_EXHAUSTED"}),
    slow: frozenset({"408"}),
    leaving: frozenset({"left"}),
}
"""How a request of each kind may end."""
AT_MOST_SECONDS: Final[Mapping[Kind, float]] = {hostile: HOSTILE_MICROSECONDS / 1e6}
"""What the client allows; the others wait for their answers."""
