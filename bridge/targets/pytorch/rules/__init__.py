"""Translations of ONNX operators, by family. Importing this registers them all."""

from bridge.targets.pytorch.rules import (
    arithmetic,
    convolution,
    indexing,
    loops,
    normalisation,
    pooling,
    products,
    recurrent,
    reductions,
    shapes,
)

__all__ = [
    "arithmetic",
    "convolution",
    "indexing",
    "loops",
    "normalisation",
    "pooling",
    "products",
    "recurrent",
    "reductions",
    "shapes",
]
