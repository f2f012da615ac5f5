"""The paths of the protocol. What is not here does not exist: no path loads, unloads or configures anything."""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import unquote

from bridge.errors import RequestRefusedError
from bridge.serve.clients.identity import Client, Clients
from bridge.serve.http.inflating import inflate
from bridge.serve.http.messages import Request, Response, json_response
from bridge.serve.inference import Inference
from bridge.serve.protocol.description import server_description
from bridge.serve.protocol.json_request import HEADER_LENGTH, read_request
from bridge.serve.protocol.json_response import encode_answer
from bridge.serve.protocol.openapi import openapi_document

_OPEN: Final = frozenset({"/v2/health/live", "/v2/health/ready"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST"})


class InferenceRoutes:
    """Answers the inference port."""

    def __init__(self, inference: Inference, clients: Clients, request_bytes: int) -> None:
        self._inference: Final = inference
        self._clients: Final = clients
        self._request_bytes: Final = request_bytes

    def admit(self, request: Request) -> None:
        """Refuse whoever may not ask, and what has no place here, before a body is read."""
        if request.method not in _METHODS:
            raise RequestRefusedError("method", "expected GET or POST")
        if request.path not in _OPEN:
            self._client(request)
        if request.method == "POST" and "content-length" not in request.headers and "transfer-encoding" not in request.headers:
            raise RequestRefusedError("length-required", "expected a body with Content-Length")

    async def answer(self, request: Request) -> Response:
        """The answer to a whole request."""
        steps = [unquote(step) for step in request.path.split("/")[1:]]
        is_post = request.method == "POST"
        match steps:
            case ["v2", "models", name, "infer"]:
                return await self._infer(request, name, "") if is_post else _wrong_method()
            case ["v2", "models", name, "versions", version, "infer"]:
                return await self._infer(request, name, version) if is_post else _wrong_method()
        found = self._described(steps, request)
        return found if not is_post else _wrong_method()

    def _described(self, steps: list[str], request: Request) -> Response:
        match steps:
            case ["v2"] | ["v2", ""]:
                return json_response(server_description())
            case ["v2", "health", "live"]:
                return json_response({"live": True})
            case ["v2", "health", "ready"]:
                self._inference.check_ready()
                return json_response({"ready": True})
            case ["v2", "models", name] | ["v2", "models", name, "versions", _] if steps[-1]:
                version = steps[4] if len(steps) == 5 else ""
                return self._model(request, name, version)
            case ["v2", "models", name, "ready"] | ["v2", "models", name, "versions", _, "ready"]:
                self._client(request).allow(name)
                model = self._inference.repository.find(name, steps[4] if len(steps) == 6 else "")
                return json_response({"name": model.settings.name, "ready": True})
            case ["openapi.json"]:
                return json_response(openapi_document())
        raise RequestRefusedError("not-found", "no such path; GET /openapi.json lists them all")

    def _model(self, request: Request, name: str, version: str) -> Response:
        self._client(request).allow(name)
        return json_response(self._inference.describe(name, version))

    async def _infer(self, request: Request, name: str, version: str) -> Response:
        begun = time.monotonic()
        client = self._client(request)
        with self._inference.tracer.span("infer", request.headers) as span:
            model = self._inference.admit(client, name, version)
            body = request.body
            if (encoding := request.headers.get("content-encoding")) is not None:
                body = inflate(body, encoding, self._request_bytes)
            asked = read_request(body, request.headers.get(HEADER_LENGTH))
            job, outputs = await self._inference.run(model, asked, span)
            answer = encode_answer(model.settings.name, model.settings.version, asked, outputs)
        self._inference.answered(model, job, client, "http", begun)
        if answer.header_length is None:
            return Response(200, answer.body)
        headers = {"Inference-Header-Content-Length": str(answer.header_length)}
        return Response(200, answer.body, "application/octet-stream", headers)

    def _client(self, request: Request) -> Client:
        return self._clients.identify(request.headers.get("authorization"), request.certificate_names)


def _wrong_method() -> Response:
    raise RequestRefusedError("method", "this path has another method")
