"""An alert that could not be given. It is reported beside the refusal, and never in its place."""

from __future__ import annotations


class AlertFailedError(Exception):
    """Nobody was alerted this way. Never leaves ``bridge.trust.alerts``."""
