"""The root of every error that is the input's or the caller's fault."""

from __future__ import annotations


class BridgeError(Exception):
    """Root of every error that is the input's or the caller's fault."""
