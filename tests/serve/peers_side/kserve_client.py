"""Asks a server with KServe's own clients, over REST or gRPC. Prints what came back."""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

carrier, address, model, name, path = sys.argv[1:]
inputs = np.load(path)


async def rest(binary: bool) -> tuple[bool, bool, list[float]]:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    asked = InferInput(name, list(inputs.shape), "FP32")
    asked.set_data_from_numpy(inputs, binary_data=binary)
    request = InferRequest(model, [asked])
    live = await client.is_server_live(f"http://{address}")
    ready = await client.is_model_ready(f"http://{address}", model)
    answer = await client.infer(f"http://{address}", request, model_name=model, timeout=30)
    return live, ready, answer.outputs[0].as_numpy().tolist()


async def grpc() -> tuple[bool, bool, list[float]]:
    client = InferenceGRPCClient(address, retries=0)
    asked = InferInput(name, list(inputs.shape), "FP32")
    asked.set_data_from_numpy(inputs, binary_data=True)
    live = await client.is_server_live()
    ready = await client.is_model_ready(model)
    answer = await client.infer(InferRequest(model, [asked]))
    await client.close()
    return live, ready, answer.outputs[0].as_numpy().tolist()


answers = [asyncio.run(rest(True)), asyncio.run(rest(False))] if carrier == "http" else [asyncio.run(grpc())]
print(json.dumps({"live": answers[0][0], "ready": answers[0][1], "outputs": [answer[2] for answer in answers]}))
