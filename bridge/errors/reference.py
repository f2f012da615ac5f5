"""The real CNTK."""

from __future__ import annotations

from bridge.errors.root import BridgeError


class ReferenceEngineError(BridgeError):
    """The real CNTK is not there, is not the one that was pinned, or failed."""


class ReferenceMissingError(ReferenceEngineError):
    """The real CNTK is not installed, or something that it needs is not on this machine."""


class ReferenceChangedError(ReferenceEngineError):
    """A wheel or an installed file of the real CNTK is not the one that was pinned."""


class ReferenceEvaluationError(ReferenceEngineError):
    """The real CNTK refused a model or its inputs, crashed, or ran into one of its limits."""
