"""CNTK graph -> ONNX IR: one operator family per file, registered by CNTK's operator name."""

from __future__ import annotations

from bridge.lower import (
    activation,
    batch_normalization,
    convolution,
    criteria,
    distance,
    edit_distance,
    elementwise,
    gather,
    one_hot,
    pooling,
    product,
    random_sampling,
    ranking,
    recurrence,
    reduction,
    refusals,
    sequence,
    shape,
    softmax,
    top_k,
)
from bridge.lower.model import LoweredModel, PortType, evaluation_order, lower_model
from bridge.lower.options import LoweringOptions

__all__ = [
    "LoweredModel",
    "LoweringOptions",
    "PortType",
    "activation",
    "batch_normalization",
    "convolution",
    "criteria",
    "distance",
    "edit_distance",
    "elementwise",
    "evaluation_order",
    "gather",
    "lower_model",
    "one_hot",
    "pooling",
    "product",
    "random_sampling",
    "ranking",
    "recurrence",
    "reduction",
    "refusals",
    "sequence",
    "shape",
    "softmax",
    "top_k",
]
