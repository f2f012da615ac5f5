"""The interface as a machine reads it: OpenAPI 3.1, served at ``/openapi.json``."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from bridge.serve.protocol.datatypes import NUMPY_TYPES, RANK_AT_MOST
from bridge.serve.protocol.request import NAME_CHARACTERS_AT_MOST, TENSORS_AT_MOST
from bridge.version import __version__

_NAME: Final = {"type": "string", "maxLength": NAME_CHARACTERS_AT_MOST}
_DATATYPE: Final = {"enum": list(NUMPY_TYPES)}
_SHAPE: Final = {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": RANK_AT_MOST}
_MODEL: Final = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_VERSION: Final = {"name": "version", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_BINARY: Final = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "With binary tensors behind the JSON: the number of bytes that are JSON.",
    "schema": {"type": "integer", "minimum": 0},
}
_REFUSALS: Final = {
    "400": "Not a request, or not what the model's signed interface asks for.",
    "401": "No key, or none that is known.",
    "403": "The client may not ask this model.",
    "404": "No such model or version.",
    "405": "Another method.",
    "408": "The request took too long to arrive.",
    "411": "No Content-Length.",
    "413": "Too large, as it arrives or when inflated.",
    "415": "Another Content-Encoding than gzip or deflate.",
    "422": "The model has no answer to this, or none that JSON can say.",
    "429": "The queue is full, or the quota used up; Retry-After says when to come again.",
    "431": "The head of the request is too long.",
    "503": "Too many connections, or shutting down.",
    "504": "No answer within the time.",
}


@cache
def openapi_document() -> dict[str, Any]:
    """The document. It is the same for all models, whose tensors ``GET /v2/models/{name}`` tells."""
    paths: dict[str, Any] = {
        "/v2": {"get": _get("The server", "ServerMetadata")},
        "/v2/health/live": {"get": _get("Whether the server is alive", "Live", secured=False)},
        "/v2/health/ready": {"get": _get("Whether it takes requests", "Ready", secured=False)},
    }
    for suffix, parameters in (("", [_MODEL]), ("/versions/{version}", [_MODEL, _VERSION])):
        base = f"/v2/models/{{name}}{suffix}"
        paths[base] = {"get": _get("The model, and who vouches for it", "ModelMetadata"), "parameters": parameters}
        paths[f"{base}/ready"] = {"get": _get("Whether the model takes requests", "ModelReady"), "parameters": parameters}
        paths[f"{base}/infer"] = {"post": _infer(), "parameters": parameters}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Open Inference Protocol", "version": __version__, "summary": "Version 2, as cntk-bridge serves it."},
        "paths": paths,
        "security": [{"key": []}, {}],
        "components": {"schemas": _schemas(), "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _get(summary: str, schema: str, *, secured: bool = True) -> dict[str, Any]:
    said = {"summary": summary, "responses": {"200": _json("As asked.", schema), **_refusals()}}
    return said if secured else said | {"security": []}


def _infer() -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {"application/json": {"schema": _reference("InferenceRequest")}, "application/octet-stream": binary}
    answer = {"application/json": {"schema": _reference("InferenceResponse")}, "application/octet-stream": binary}
    return {
        "summary": "Inference",
        "parameters": [_BINARY],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "The outputs.", "content": answer}, **_refusals()},
    }


def _refusals() -> dict[str, Any]:
    return {status: _json(description, "Error") for status, description in _REFUSALS.items()}


def _json(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _reference(schema)}}}


def _reference(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(items: Any, most: int = TENSORS_AT_MOST) -> dict[str, Any]:
    return {"type": "array", "items": items, "maxItems": most}


def _schemas() -> dict[str, Any]:
    text = {"type": "string"}
    described = _object("name datatype shape", name=text, datatype=_DATATYPE, shape=_list({"type": "integer", "minimum": -1}))
    return _inference_schemas() | {
        "Error": _object("error", error=text),
        "Live": _object("live", live={"const": True}),
        "Ready": _object("ready", ready={"const": True}),
        "ServerMetadata": _object("name version extensions", name=text, version=text, extensions=_list(text)),
        "ModelReady": _object("name ready", name=text, ready={"const": True}),
        "ModelMetadata": _object(
            "name versions platform inputs outputs parameters",
            name=text,
            versions=_list(text, 10_000),
            platform=text,
            inputs=_list(described, 10_000),
            outputs=_list(described, 10_000),
            parameters={"type": "object", "additionalProperties": text},
        ),
    }


def _inference_schemas() -> dict[str, Any]:
    numbers = {"type": "array", "description": "Row-major, flat or nested as the shape is.", "items": {}}
    bytes_behind = {"type": "integer", "minimum": 0, "description": "Bytes of this tensor behind the JSON, in place of data."}
    parameters = _object("", binary_data_size=bytes_behind)
    asked = _object("name datatype shape", name=_NAME, datatype=_DATATYPE, shape=_SHAPE, data=numbers, parameters=parameters)
    wanted = _object("name", name=_NAME, parameters=_object("", binary_data={"type": "boolean"}))
    timeout = {"type": "integer", "minimum": 0, "maximum": (1 << 53) - 1, "description": "Microseconds; 0 for the model's own."}
    text, some = {"type": "string"}, {"type": "object"}
    answered = _object("name datatype shape", name=text, datatype=_DATATYPE, shape=_SHAPE, data=numbers, parameters=some)
    names = {"model_name": text, "model_version": text, "id": text}
    return {
        "InferenceRequest": _object(
            "inputs",
            id=_NAME,
            inputs=_list(asked) | {"minItems": 1},
            outputs=_list(wanted),
            parameters=_object("", timeout=timeout, binary_data_output={"type": "boolean"}),
        ),
        "InferenceResponse": _object("model_name model_version outputs", **names, outputs=_list(answered, 10_000)),
    }
