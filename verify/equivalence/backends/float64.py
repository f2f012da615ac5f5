"""The referee: the same graph in double precision, in onnxruntime where it has the kernels, in onnx's evaluator otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from verify.equivalence.backends.interface import Array, Backend, BackendError, BackendIdentity

NAME = "float64"


class Float64:
    """An ONNX file with everything widened to float64. ``BackendError`` where neither runtime can load it.

    onnxruntime has no float64 kernel for convolution, among others. A graph with such an operator is evaluated as a whole by
    onnx's evaluator, whose operators take any type; ``identity`` names the node that was the reason. No node runs in less.
    """

    def __init__(self, path: Path) -> None:
        from verify.equivalence.backends.widening import widened

        try:
            self._model = widened(path)
        except Exception as error:  # Whatever onnx-ir raises for a file that is no sound model.
            raise BackendError(f"{path}: cannot be widened to float64: {error}") from error
        self._reason = ""
        self._backend = self._start()
        self.inputs, self.outputs, self.metadata = self._backend.inputs, self._backend.outputs, self._backend.metadata

    @property
    def identity(self) -> BackendIdentity:
        """The runtime that evaluates it, and why, where it is not onnxruntime."""
        inner = self._backend.identity
        stated = {"evaluator": "onnx's" if self._reason else "onnxruntime"}
        return BackendIdentity(NAME, inner.version, "cpu", stated | ({"reason": self._reason} if self._reason else {}))

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name, in double precision; what is fed is widened first."""
        wide = {name: value.astype(np.float64) if value.dtype.kind == "f" else value for name, value in feeds.items()}
        try:
            return self._backend.run(wide)
        except BackendError as error:
            if self._reason:
                raise
            # Some kernels of onnxruntime say only when they run that they do not know doubles.
            self._backend = self._in_numpy(error)
            return self._backend.run(wide)

    def _start(self) -> Backend:
        from verify.equivalence.backends.onnxruntime import OnnxRuntime

        try:
            return OnnxRuntime(self._model.SerializeToString(), name=NAME)
        except BackendError as error:
            return self._in_numpy(error)
        except ValueError as error:  # protobuf's bound of two gigabytes
            return self._in_numpy(BackendError(str(error)))

    def _in_numpy(self, reason: BackendError) -> Backend:
        from verify.equivalence.backends.onnx_reference import OnnxReference

        self._reason = str(reason).removeprefix("onnxruntime does not load it: ").removeprefix("onnxruntime does not run it: ")
        return OnnxReference(self._model, name=NAME)
