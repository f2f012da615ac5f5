"""What converted models can be run on, each tried with a model of one operator."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from bridge.diagnosis.finding import Finding, State

_REMOTE = frozenset({"AzureExecutionProvider"})
"""Providers that send models and inputs elsewhere; nothing is tried with them."""


def examine_runtimes() -> Iterator[Finding]:
    """The execution providers of onnxruntime, and PyTorch's devices."""
    if importlib.util.find_spec("onnxruntime") is not None and importlib.util.find_spec("onnx") is not None:
        yield from _onnxruntime_providers()
    if importlib.util.find_spec("torch") is not None:
        yield from _torch_devices()


def _onnxruntime_providers() -> Iterator[Finding]:
    import onnxruntime

    providers = [name for name in onnxruntime.get_available_providers() if name not in _REMOTE]
    for provider in providers:
        fault = _fault_of(provider)
        required = provider == "CPUExecutionProvider"
        detail = fault or "ran a model"
        advice = "" if not fault else "its driver or libraries are missing; models run on the CPU meanwhile"
        # A build of onnxruntime lists what it was built with, whether or not the machine has it.
        state = State.WORKS if not fault else (State.BROKEN if required else State.MISSING)
        yield Finding("onnxruntime", provider, state, detail, advice, required)
    if "CUDAExecutionProvider" not in providers:
        advice = "pip install onnxruntime-gpu in place of onnxruntime, on a machine with an NVIDIA GPU"
        yield Finding("onnxruntime", "CUDAExecutionProvider", State.MISSING, "not in this build of onnxruntime", advice)


def _fault_of(provider: str) -> str:
    """Why a model of one addition does not run on ``provider``; empty where it does."""
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper

    shape = [2]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "trial",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if provider != "CPUExecutionProvider":
        # Otherwise the CPU does what the provider does not, and the trial says nothing about it.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[provider])
        if provider not in session.get_providers():
            return "this machine does not have it"
        (result,) = session.run(None, {"x": np.array([1.0, 2.5], np.float32)})
    except Exception as error:  # noqa: BLE001 - onnxruntime's own exceptions have no common root
        return f"a trial failed: {str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__}"
    return "" if np.array_equal(result, [2.0, 5.0]) else f"a trial computed 1+1 and 2.5+2.5 as {result}"


def _torch_devices() -> Iterator[Finding]:
    try:
        import torch

        total = float(torch.ones(4).sum())
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        names = [torch.cuda.get_device_name(index) for index in range(count)]
        on_gpu = float(torch.ones(4, device="cuda").sum()) if names else 0.0
    except Exception as error:  # noqa: BLE001 - what a driver says comes out as anything
        yield Finding("torch", "PyTorch", State.BROKEN, f"a trial failed: {error}"[:300], "install the build for this machine")
        return
    yield Finding("torch", "cpu", State.WORKS if total == 4.0 else State.BROKEN, f"{torch.get_num_threads()} threads")
    if names:
        yield Finding("torch", "cuda", State.WORKS if on_gpu == 4.0 else State.BROKEN, ", ".join(names))
    else:
        advice = "install a build of PyTorch with CUDA, and NVIDIA's driver, if there is a GPU"
        yield Finding("torch", "cuda", State.MISSING, "no GPU that PyTorch can use", advice)
