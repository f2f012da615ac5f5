"""HTTP as tests speak it: with the standard library, and with raw bytes where a client has to misbehave."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` have names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30,
) -> Answer:
    """One request in a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def infer(port: int, model: str, inputs: Mapping[str, Array], **more: Any) -> dict[str, Array]:
    """The outputs for ``inputs``, over JSON."""
    answer = ask(port, "POST", f"/v2/models/{model}/infer", json.dumps(request_of(inputs) | more))
    assert answer.status == 200, answer.body
    return outputs_of(answer.document)


def request_of(inputs: Mapping[str, Array]) -> dict[str, Any]:
    """A request in JSON's types."""
    datatypes = {"float32": "FP32", "int64": "INT64"}
    return {
        "inputs": [
            {"name": name, "datatype": datatypes[str(array.dtype)], "shape": list(array.shape), "data": array.ravel().tolist()}
            for name, array in inputs.items()
        ]
    }


def outputs_of(document: Mapping[str, Any]) -> dict[str, Array]:
    return {output["name"]: np.array(output["data"], np.float32).reshape(output["shape"]) for output in document["outputs"]}


@contextmanager
def raw(port: int, timeout: float = 10.0) -> Iterator[socket.socket]:
    """A bare connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server closes, or the connection's time is over."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except (ConnectionResetError, TimeoutError):
        pass
    return b"".join(pieces)
