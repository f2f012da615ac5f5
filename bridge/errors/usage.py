"""The call itself is wrong."""

from __future__ import annotations

from bridge.errors.root import BridgeError


class UsageError(BridgeError):
    """The call is wrong, whatever the model."""


class UnknownOutputError(UsageError):
    """An output was asked for that the model does not have."""

    def __init__(self, wanted: str, available: list[str]) -> None:
        self.wanted = wanted
        self.available = available
        shown = ", ".join(repr(name) for name in available[:20]) or "none"
        more = f" and {len(available) - 20} more" if len(available) > 20 else ""
        super().__init__(
            f"no output {wanted!r}: expected the name or uid of a node; this model has {shown}{more}; "
            "`bridge inspect --nodes` lists them all"
        )


class InvalidOptionError(UsageError):
    """An option has a value that cannot be used."""


class InvalidInputsError(UsageError):
    """A file of input values that is damaged, or does not fit the model; the sentence names the line or the array."""
