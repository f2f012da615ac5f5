"""Bytes of a v1 file -> ``Model``."""

from __future__ import annotations

from bridge.graph.model import Model
from bridge.limits import Limits
from bridge.source.v1.document import read_raw
from bridge.source.v1.mapping import to_model


def read_v1(data: memoryview, limits: Limits) -> Model:
    """Read a v1 file from ``data``, all of its bytes. Weights are views of ``data``.

    Raises ``UnsupportedVersionError``, ``InvalidModelError`` or ``LimitExceededError`` for the bytes, each with offset and field,
    and ``InvalidGraphError`` for a network that CNTK could not evaluate.
    """
    return to_model(read_raw(data, limits), limits)
