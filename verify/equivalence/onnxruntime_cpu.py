"""The converted model in a plain onnxruntime session on the CPU, as any user of it would make one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from verify.equivalence.backends import Array, BackendError, Port

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


class OnnxRuntimeCpu:
    """An ONNX file in onnxruntime. ``BackendError`` where onnxruntime will not load it."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # Only what ends the process; everything else arrives as an exception.
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # Its exceptions share no other base.
            raise BackendError(f"{path}: onnxruntime does not load it: {_first_line(error)}") from error
        self._version = str(onnxruntime.__version__)
        required = [_port(item, optional=False) for item in self._session.get_inputs()]
        optional = [_port(item, optional=True) for item in self._session.get_overridable_initializers()]
        self._inputs = {port.name: port for port in (*required, *optional)}
        self._outputs = {port.name: port for port in (_port(item, optional=False) for item in self._session.get_outputs())}

    @property
    def name(self) -> str:
        """The runtime and its version."""
        return f"onnxruntime {self._version} CPU"

    @property
    def inputs(self) -> Mapping[str, Port]:
        """Required inputs first, then those that have an initializer."""
        return self._inputs

    @property
    def outputs(self) -> Mapping[str, Port]:
        """The graph's outputs."""
        return self._outputs

    @property
    def metadata(self) -> Mapping[str, str]:
        """The model's metadata properties."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name."""
        names = list(self._outputs)
        try:
            values = self._session.run(names, dict(feeds))
        except Exception as error:
            raise BackendError(f"onnxruntime does not run it: {_first_line(error)}") from error
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


def _port(item: Any, *, optional: bool) -> Port:
    if item.type not in _ELEMENT_TYPES:
        raise BackendError(f"{item.name!r} is a {item.type}; expected a tensor of numbers")
    return Port(item.name, np.dtype(_ELEMENT_TYPES[item.type]), tuple(item.shape), optional)


def _first_line(error: Exception) -> str:
    """The sentence of an onnxruntime error, without its code prefix and C++ stack."""
    text = str(error).strip().split("\n", maxsplit=1)[0]
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
