"""Bytes of a CNTK model file -> ``bridge.graph.model.Model``.

Two unrelated formats carry CNTK models (``v2``: a protobuf dictionary; ``v1``: BrainScript's binary). This package is pure: it
does no I/O, keeps no state, and nothing that a file says is executed, imported, opened or believed without a check.
"""

from __future__ import annotations

from bridge.errors import LimitExceededError
from bridge.graph.model import Model
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.source.detect import Format, detect_format

__all__ = ["Format", "detect_format", "read_model"]


def read_model(data: memoryview, limits: Limits = DEFAULT_LIMITS) -> Model:
    """Read a model of either format from ``data``, the whole file as bytes (a view of a memory map will do).

    Weights are views of ``data``, which must stay alive and unchanged as long as the model is used.
    Raises ``NotAModelError``, ``UnsupportedVersionError``, ``InvalidModelError`` or ``LimitExceededError``.
    """
    octets = data.cast("B").toreadonly() if data.nbytes else memoryview(b"")
    if len(octets) > limits.file_bytes:
        raise LimitExceededError("file length", limit=limits.file_bytes, actual=len(octets))
    # Each reader is imported when it is needed, because most processes convert one model in one format.
    if detect_format(octets) == "v1":
        from bridge.source.v1 import read_v1

        return read_v1(octets, limits)
    from bridge.source.v2 import read_v2

    return read_v2(octets, limits)
