"""The protocol over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from bridge.serve.clients.identity import digest_of
from bridge.serve.grpc.messages import SERVICE, message_class
from bridge.serve.settings import ClientSettings, HttpLimits
from tests.serve.running import LENET, ROOT_DIGEST, Running, example, loaded, models_for, running

Request = message_class("ModelInferRequest")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(models_for(LENET), limits=HttpLimits(request_bytes=1 << 20)) as one:
        yield one


def call(port: int, name: str, request: Any, **more: Any) -> Any:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary(
            f"/{SERVICE}/{name}", message_class(f"{name}Request").SerializeToString, message_class(f"{name}Response").FromString
        )
        return method(request, timeout=20, **more)


def refused(port: int, request: Any, **more: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        call(port, "ModelInfer", request, **more)
    return error.value.code(), error.value.details()


def asked(model: str = LENET, **changes: Any) -> Any:
    image = example(LENET)["image"]
    request = Request(model_name=model, **changes)
    request.inputs.add(name="image", datatype="FP32", shape=image.shape)
    request.raw_input_contents.append(image.tobytes())
    return request


def test_health_and_metadata_are_those_of_the_protocol(server: Running) -> None:
    assert call(server.grpc, "ServerLive", message_class("ServerLiveRequest")()).live
    assert call(server.grpc, "ServerReady", message_class("ServerReadyRequest")()).ready
    assert call(server.grpc, "ModelReady", message_class("ModelReadyRequest")(name=LENET)).ready
    assert call(server.grpc, "ServerMetadata", message_class("ServerMetadataRequest")()).name == "cntk-bridge"
    told = call(server.grpc, "ModelMetadata", message_class("ModelMetadataRequest")(name=LENET))
    assert (told.inputs[0].name, list(told.inputs[0].shape)) == ("image", [-1, 1, 8, 8])
    assert told.parameters["root_digest"].string_param == f"sha256:{ROOT_DIGEST}"


def test_bytes_and_typed_contents_give_what_the_model_gives(server: Running) -> None:
    image = example(LENET)["image"]
    typed = Request(model_name=LENET, id="one")
    typed.inputs.add(name="image", datatype="FP32", shape=image.shape).contents.fp32_contents.extend(image.ravel().tolist())
    for request in (asked(id="one"), typed):
        answer = call(server.grpc, "ModelInfer", request)
        found = np.frombuffer(answer.raw_output_contents[0], np.float32).reshape(list(answer.outputs[0].shape))
        np.testing.assert_allclose(found, loaded(LENET).run({"image": image})["z"], rtol=1e-6)
        assert (answer.id, answer.model_name, answer.model_version) == ("one", LENET, "1")


def test_what_is_no_request_is_refused_with_a_code(server: Running) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    both, short, unknown, ranged = asked(), asked(), asked("nobody"), Request(model_name=LENET)
    both.inputs[0].contents.fp32_contents.append(1)
    short.raw_input_contents[0] = b"1234"
    ranged.inputs.add(name="image", datatype="INT8", shape=[1]).contents.int_contents.append(128)
    assert refused(server.grpc, Request(model_name=LENET)) == (invalid, "inputs, outputs: expected from 1 and at most 256")
    assert refused(server.grpc, both)[0] == invalid
    assert refused(server.grpc, short)[1] == "inputs[0]: [1, 1, 8, 8] of FP32 take 256 bytes; found 4"
    assert refused(server.grpc, unknown)[0] == grpc.StatusCode.NOT_FOUND
    assert "range of INT8" in refused(server.grpc, ranged)[1]
    negative = asked()
    negative.inputs[0].shape[0] = -1
    assert refused(server.grpc, negative)[0] == invalid


def test_a_message_that_is_too_large_is_refused(server: Running) -> None:
    request = asked()
    request.raw_input_contents[0] = bytes(2 << 20)
    assert refused(server.grpc, request)[0] == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_compressed_messages_are_refused_because_nobody_bounds_what_comes_out(server: Running) -> None:
    assert refused(server.grpc, asked(), compression=grpc.Compression.Gzip)[0] == grpc.StatusCode.UNIMPLEMENTED


def test_a_call_that_is_not_of_the_protocol_does_not_exist(server: Running) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(f"/{SERVICE}/RepositoryModelLoad")(b"", timeout=10)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_bytes_that_are_no_message_are_refused(server: Running) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(f"/{SERVICE}/ModelInfer")(b"\xff\xff\xff", timeout=10)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert call(server.grpc, "ServerLive", message_class("ServerLiveRequest")()).live


def test_keys_and_quotas_hold_here_too() -> None:
    clients = (ClientSettings("one", digest_of("key"), requests_per_second=0.001, burst=1),)
    with running(models_for(LENET), clients=clients) as server:
        metadata = (("authorization", "Bearer key"),)
        assert refused(server.grpc, asked())[0] == grpc.StatusCode.UNAUTHENTICATED
        assert call(server.grpc, "ModelInfer", asked(), metadata=metadata).model_name == LENET
        with pytest.raises(grpc.RpcError) as error:
            call(server.grpc, "ModelInfer", asked(), metadata=metadata)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert int(dict(error.value.trailing_metadata())["retry-after"]) >= 1
