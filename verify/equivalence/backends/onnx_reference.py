"""The converted model in the ONNX project's own evaluator: node by node in numpy, sharing no kernel with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from verify.equivalence.backends.interface import Array, BackendError, BackendIdentity, Port
from verify.equivalence.backends.reference_operators import REFERENCE_OPERATORS


class OnnxReference:
    """An ONNX file, or a model in memory. ``BackendError`` where the evaluator cannot load it, or cannot do one of its operators.

    Its recurrent operators and Scan are ours (``reference_operators``). It is slow, and its numbers owe nothing to anyone's
    optimisations.
    """

    def __init__(self, model: Path | onnx.ModelProto, *, name: str = "onnx-reference") -> None:
        what = f"{model}: " if isinstance(model, Path) else ""
        try:
            loaded = onnx.load(model) if isinstance(model, Path) else model
            self._evaluator = ReferenceEvaluator(loaded, new_ops=list(REFERENCE_OPERATORS))
        except Exception as error:  # Whatever protobuf, onnx and its operators raise.
            raise BackendError(f"{what}the ONNX reference evaluator cannot run it: {_first_line(error)}") from error
        stored = {tensor.name for tensor in loaded.graph.initializer}
        self.identity = BackendIdentity(name, onnx.__version__, "cpu")
        self.inputs = {item.name: _port(item, optional=item.name in stored) for item in loaded.graph.input}
        self.outputs = {item.name: _port(item, optional=False) for item in loaded.graph.output}
        self.metadata = {item.key: item.value for item in loaded.metadata_props}

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name."""
        names = list(self.outputs)
        try:
            # Infinities and NaN are results here, as they are in any runtime.
            with np.errstate(all="ignore"):
                values = self._evaluator.run(names, dict(feeds))
        except Exception as error:  # Whatever numpy and the operators raise.
            raise BackendError(f"the ONNX reference evaluator cannot run it: {_first_line(error)}") from error
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


def _port(item: onnx.ValueInfoProto, *, optional: bool) -> Port:
    tensor = item.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in tensor.shape.dim)
    return Port(item.name, np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape, optional)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip() or 'no reason given'}".splitlines()[0][:400]
