"""Static shapes, element types and dynamic axes of every value: files store none of them for outputs."""

from __future__ import annotations

from bridge.graph.inference import criteria, elementwise, product, reduction, sequence, shape, spatial
from bridge.graph.inference.engine import Types, infer

__all__ = ["Types", "criteria", "elementwise", "infer", "product", "reduction", "sequence", "shape", "spatial"]
