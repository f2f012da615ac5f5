"""Runtimes behind one small interface, each of which runs a converted model on the inputs of a golden case.

OnnxRuntime    an ONNX file in onnxruntime, on any execution provider that is there
PyTorch        the folder of a PyTorch module, on the CPU or on CUDA
OnnxReference  an ONNX file in onnx's own evaluator, node by node in numpy
Float64        an ONNX file with everything widened to double precision: the referee

``registry`` lists them with what each takes, and why one is not available on this machine.
"""

from verify.equivalence.backends.interface import (
    Array,
    Backend,
    BackendError,
    BackendIdentity,
    Optimisation,
    Port,
    RuntimeOptions,
)

__all__ = ["Array", "Backend", "BackendError", "BackendIdentity", "Optimisation", "Port", "RuntimeOptions"]
