"""Asks a server with tritonclient, over HTTP or gRPC: metadata, one inference, one refusal. Prints what came back."""

import json
import sys

import numpy as np

carrier, address, model, name, path = sys.argv[1:]
if carrier == "http":
    import tritonclient.http as client_module
else:
    import tritonclient.grpc as client_module

client = client_module.InferenceServerClient(address)
inputs = np.load(path)
asked = client_module.InferInput(name, list(inputs.shape), "FP32")
if carrier == "http":
    asked.set_data_from_numpy(inputs, binary_data=True)
    metadata = client.get_model_metadata(model)
else:
    asked.set_data_from_numpy(inputs)
    metadata = client.get_model_metadata(model, as_json=True)
answer = client.infer(model, [asked], request_id="7")
output = metadata["outputs"][0]["name"]
if carrier == "http":
    wanted = [client_module.InferRequestedOutput(output, binary_data=False)]
    again = client.infer(model, [asked], outputs=wanted, request_compression_algorithm="gzip").as_numpy(output)
else:
    again = client.infer(model, [asked], outputs=[client_module.InferRequestedOutput(output)]).as_numpy(output)
try:
    client.infer("nobody", [asked])
    refusal = ""
except client_module.InferenceServerException as error:
    refusal = str(error.message())
print(
    json.dumps(
        {
            "live": client.is_server_live(),
            "ready": client.is_model_ready(model),
            "inputs": [tensor["name"] for tensor in metadata["inputs"]],
            "output": answer.as_numpy(output).tolist(),
            "again": again.tolist(),
            "refusal": refusal,
        }
    )
)
