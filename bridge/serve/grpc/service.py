"""The six calls of the protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError

from bridge.errors import BridgeError, RequestRefusedError
from bridge.serve.clients.identity import Client, Clients, names_that_count
from bridge.serve.grpc.messages import (
    CALLS,
    SERVICE,
    ModelMetadataResponse,
    ModelReadyResponse,
    ServerLiveResponse,
    ServerMetadataResponse,
    ServerReadyResponse,
    message_class,
)
from bridge.serve.grpc.tensors import answer_message, read_message
from bridge.serve.inference import Inference
from bridge.serve.protocol.description import server_description
from bridge.serve.refusals import FAULT, refusal_of

Call = Callable[[Any, Any], Awaitable[Any]]


class Service:
    """Answers the calls; whoever may not ask is refused by each of them but the two on health."""

    def __init__(self, inference: Inference, clients: Clients) -> None:
        self._inference: Final = inference
        self._clients: Final = clients

    async def server_live(self, _request: Any, _context: Any) -> Any:
        """Whether the process is there."""
        return ServerLiveResponse(live=True)

    async def server_ready(self, _request: Any, _context: Any) -> Any:
        """Whether it takes requests."""
        return ServerReadyResponse(ready=not self._inference.draining)

    async def model_ready(self, request: Any, context: Any) -> Any:
        """Whether the model takes requests."""
        self._client(context).allow(request.name)
        self._inference.repository.find(request.name, request.version)
        return ModelReadyResponse(ready=not self._inference.draining)

    async def server_metadata(self, _request: Any, context: Any) -> Any:
        """Name, version and extensions."""
        self._client(context)
        return ServerMetadataResponse(**server_description())

    async def model_metadata(self, request: Any, context: Any) -> Any:
        """What the model takes and gives, and who vouches for it."""
        self._client(context).allow(request.name)
        told = self._inference.describe(request.name, request.version)
        parameters = told.pop("parameters")
        answer = ModelMetadataResponse(**told)
        for key, value in parameters.items():
            answer.parameters[key].string_param = value
        return answer

    async def model_infer(self, request: Any, context: Any) -> Any:
        """The inference itself."""
        begun = time.monotonic()
        self._inference.check_ready()
        client = self._client(context)
        with self._inference.tracer.span("infer", _texts(context)) as span:
            model = self._inference.admit(client, request.model_name, request.model_version)
            asked = read_message(request)
            job, outputs = await self._inference.run(model, asked, span)
            answer = answer_message(model.settings.name, model.settings.version, asked, outputs)
        self._inference.answered(model, job, client, "grpc", begun)
        return answer

    def _client(self, context: Any) -> Client:
        shown = context.auth_context()
        alternative, common = (
            [name.decode("utf-8", "replace") for name in shown.get(f"x509_{kind}", ())]
            for kind in ("subject_alternative_name", "common_name")
        )
        # The library has addresses among the names, which are nobody's name.
        names = names_that_count([name for name in alternative if not _is_address(name)], common)
        return self._clients.identify(_texts(context).get("authorization"), names)


def guarded_calls(service: Service, inference: Inference) -> dict[str, Call]:
    """Every call under its published name: from the bytes of a message, and the context of gRPC, to the message that answers."""
    calls: dict[str, Call] = {
        "ServerLive": service.server_live,
        "ServerReady": service.server_ready,
        "ModelReady": service.model_ready,
        "ServerMetadata": service.server_metadata,
        "ModelMetadata": service.model_metadata,
        "ModelInfer": service.model_infer,
    }
    return {name: _guarded(calls[name], message_class(f"{name}Request"), inference) for name in CALLS}


def handlers(service: Service, inference: Inference) -> grpc.GenericRpcHandler:
    """What a gRPC server takes: every call under its published name."""
    methods = {
        name: grpc.unary_unary_rpc_method_handler(call, response_serializer=message_class(f"{name}Response").SerializeToString)
        for name, call in guarded_calls(service, inference).items()
    }
    return grpc.method_handlers_generic_handler(SERVICE, methods)


def _guarded(call: Call, request_class: type[Any], inference: Inference) -> Call:
    """``call`` on the message in the bytes given, with refusals told as gRPC tells them, and bugs told to the log alone."""

    async def guarded(octets: bytes, context: Any) -> Any:
        try:
            return await call(_parsed(octets, request_class), context)
        except asyncio.CancelledError:
            inference.metrics.abandoned("grpc")
            raise
        except BridgeError as error:
            refusal = refusal_of(error)
            if refusal is FAULT:
                inference.log.fault("grpc", error)
        except Exception as error:  # noqa: BLE001  # A bug ends one call, not the server.
            inference.log.fault("grpc", error)
            refusal = FAULT
        inference.metrics.refused(refusal.reason, "grpc")
        facts = {"reason": refusal.reason, "code": refusal.code, "peer": context.peer(), "carrier": "grpc"}
        inference.log.event("refused", **facts, **refusal.facts)
        trailing = (("retry-after", refusal.retry_after_header),) if refusal.retry_after is not None else ()
        await context.abort(getattr(grpc.StatusCode, refusal.code), refusal.message, trailing)
        raise AssertionError("abort does not return")

    return guarded


def _parsed(octets: bytes, request_class: type[Any]) -> Any:
    # Here and not in gRPC, which would call it a fault of the server.
    try:
        return request_class.FromString(octets)
    except DecodeError as error:
        raise RequestRefusedError("malformed", f"this is no {request_class.__name__}") from error


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _texts(context: Any) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
