"""The converted model in an onnxruntime session, as any user of it would make one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from verify.equivalence.backends.interface import Array, BackendError, BackendIdentity, Optimisation, Port, RuntimeOptions

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

_ELEMENT_TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}
_LEVELS: Mapping[Optimisation, str] = {
    Optimisation.OFF: "ORT_DISABLE_ALL",
    Optimisation.BASIC: "ORT_ENABLE_BASIC",
    Optimisation.EXTENDED: "ORT_ENABLE_EXTENDED",
    Optimisation.ALL: "ORT_ENABLE_ALL",
}


class OnnxRuntime:
    """An ONNX file, or one in memory, in onnxruntime. ``BackendError`` where onnxruntime will not load it.

    ``provider`` is an execution provider by onnxruntime's name for it. A provider that cannot be started is an error: onnxruntime
    itself would fall back to the CPU and say nothing, and the report would then speak of a device that was never used.
    """

    def __init__(
        self,
        model: Path | bytes,
        *,
        provider: str = CPU,
        provider_options: Mapping[str, str] | None = None,
        options: RuntimeOptions | None = None,
        name: str | None = None,
    ) -> None:
        import onnxruntime

        options, chosen = options or RuntimeOptions(), dict(provider_options or {})
        self._session = _session(model, provider, chosen, options)
        required = [_port(item, optional=False) for item in self._session.get_inputs()]
        optional = [_port(item, optional=True) for item in self._session.get_overridable_initializers()]
        self.identity = BackendIdentity(
            backend_name(provider) if name is None else name,
            str(onnxruntime.__version__),
            "cuda:0" if provider == CUDA else provider.removesuffix("ExecutionProvider").lower(),
            {
                "provider": provider,
                "threads": "own" if options.threads is None else str(options.threads),
                "optimisation": options.optimisation.value,
                **chosen,
            },
        )
        self.inputs = {port.name: port for port in (*required, *optional)}
        self.outputs = {port.name: port for port in (_port(item, optional=False) for item in self._session.get_outputs())}
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name."""
        names = list(self.outputs)
        try:
            values = self._session.run(names, dict(feeds))
        except Exception as error:
            raise BackendError(f"onnxruntime does not run it: {_first_line(error)}") from error
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


def backend_name(provider: str) -> str:
    """The name of a backend by that of its execution provider: ``onnxruntime-cuda``."""
    return f"onnxruntime-{provider.removesuffix('ExecutionProvider').lower()}"


def _session(model: Path | bytes, provider: str, provider_options: Mapping[str, str], options: RuntimeOptions) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4  # Only what ends the process; everything else arrives as an exception.
    settings.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, _LEVELS[options.optimisation])
    if options.threads is not None:
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
    what = f"{model}: " if isinstance(model, Path) else ""
    if provider not in onnxruntime.get_available_providers():
        raise BackendError(f"this onnxruntime has no {provider}; it has {', '.join(onnxruntime.get_available_providers())}")
    providers: list[Any] = [(provider, dict(provider_options))]
    try:
        loaded = str(model) if isinstance(model, Path) else model
        session = onnxruntime.InferenceSession(loaded, settings, providers=providers)
    except Exception as error:  # Its exceptions share no other base.
        raise BackendError(f"{what}onnxruntime does not load it: {_first_line(error)}") from error
    if provider not in session.get_providers():
        raise BackendError(f"onnxruntime cannot start {provider} on this machine and would run on {session.get_providers()[0]}")
    return session


def _port(item: Any, *, optional: bool) -> Port:
    if item.type not in _ELEMENT_TYPES:
        raise BackendError(f"{item.name!r} is a {item.type}; expected a tensor of numbers")
    return Port(item.name, np.dtype(_ELEMENT_TYPES[item.type]), tuple(item.shape), optional)


def _first_line(error: Exception) -> str:
    """The sentence of an onnxruntime error, without its code prefix and C++ stack."""
    text = str(error).strip().split("\n", maxsplit=1)[0]
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
