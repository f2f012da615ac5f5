"""Models that do as a test says, in place of a network: they wait, fail, or count."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bridge.package.interface import Bound, Interface, ServingLimits, Tensor
from bridge.runtime.served import Array, ModelIdentity, ModelInterface

INTERFACE = Interface(
    "onnx",
    ("model.onnx",),
    (Tensor("x", "float32", ("N", 2)),),
    (Tensor("y", "float32", ("N", 2)),),
    {"N": Bound(1, 64, "batch")},
    ServingLimits(seconds=10.0),
)


class GatedModel:
    """Doubles its input, once ``gate`` is open; ``calls`` has the number of samples of each call."""

    def __init__(self, before: Callable[[Array], None] | None = None, interface: Interface = INTERFACE) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.calls: list[int] = []
        self.closed = False
        self._before = before
        self._interface = interface

    @property
    def interface(self) -> ModelInterface:
        return self._interface

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity("gated", "1", "", "")

    def run(
        self, inputs: Mapping[str, Array], *, timeout: float | None = None, outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        del outputs
        self.entered.set()
        self.gate.wait(timeout or 10.0)
        if self._before is not None:
            self._before(inputs["x"])
        self.calls.append(len(inputs["x"]))
        with np.errstate(over="ignore"):
            return {"y": np.asarray(inputs["x"] * 2)}

    def close(self) -> None:
        self.closed = True


def document(*values: float) -> dict[str, object]:
    """A request with one sample of two equal numbers for each value."""
    data = [number for value in values for number in (value, value)]
    return {"inputs": [{"name": "x", "datatype": "FP32", "shape": [len(values), 2], "data": data}]}
