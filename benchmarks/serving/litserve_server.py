"""The model under LitServe: workers around the same session that everybody has."""

import sys

import litserve
import numpy as np
import onnxruntime

# Read here and not below: the worker is a process that imports this file anew.
MODEL, NAME = sys.argv[1:3]
PORT, BATCH, THREADS, WORKERS = map(int, sys.argv[3:7])


class OnnxApi(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self._session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])

    def decode_request(self, request):
        tensor = request["inputs"][0]
        return np.array(tensor["data"], np.float32).reshape(tensor["shape"])

    # The two are only asked for where batches are on.
    def batch(self, inputs):
        return np.concatenate(inputs)

    def predict(self, values):
        return self._session.run(None, {NAME: values})[0]

    def unbatch(self, output):
        return [row[None] for row in output]

    def encode_response(self, output):
        return {"outputs": [{"name": "z", "shape": list(output.shape), "datatype": "FP32", "data": output.ravel().tolist()}]}


if __name__ == "__main__":
    api = OnnxApi(max_batch_size=BATCH, batch_timeout=0.002) if BATCH > 1 else OnnxApi()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS)
    server.run(host="127.0.0.1", port=PORT, generate_client_file=False, log_level="warning")
