"""CNTK graph -> ONNX IR: one operator family per file, registered by CNTK's operator name."""

from __future__ import annotations

from bridge.lower import (
    activation,
    elementwise,
    product,
    recurrence,
    reduction,
    sequence,
    shape,
)
from bridge.lower.model import LoweredModel, PortType, evaluation_order, lower_model
from bridge.lower.options import LoweringOptions

__all__ = [
    "LoweredModel",
    "LoweringOptions",
    "PortType",
    "activation",
    "elementwise",
    "evaluation_order",
    "lower_model",
    "product",
    "recurrence",
    "reduction",
    "sequence",
    "shape",
]
