"""A model that is served, or would be."""

from __future__ import annotations

from bridge.errors.root import BridgeError


class RuntimeFaultError(BridgeError):
    """Root of what can go wrong when a converted model is loaded and asked."""


class RefusedModelError(RuntimeFaultError):
    """A converted model that is not handed to the engine.

    ``check`` is the name of the check that refuses, by which the documentation calls it; ``where`` the node, tensor or byte.
    """

    def __init__(self, check: str, where: str, *, expected: str, found: str, advice: str = "") -> None:
        self.check = check
        self.where = where
        self.expected = expected
        self.found = found
        tail = f"; {advice}" if advice else ""
        super().__init__(f"refused by the check {check}: {where}: expected {expected}; found {found}{tail}")


class InvalidInputError(RuntimeFaultError):
    """An input that departs from the signed interface. ``name`` is the input, empty for all of them together."""

    def __init__(self, name: str, *, expected: str, found: str) -> None:
        self.name = name
        self.expected = expected
        self.found = found
        super().__init__(f"{f'input {name!r}' if name else 'the inputs'}: expected {expected}; found {found}")


class GuardRefusedError(InvalidInputError):
    """An input as the interface asks for it that a guard does not let through. ``guard`` is the guard's name."""

    def __init__(self, guard: str, name: str, *, expected: str, found: str) -> None:
        self.guard = guard
        super().__init__(name, expected=expected, found=f"{found}; refused by the guard {guard}")


class DeadlineExceeded(RuntimeFaultError):  # noqa: N818  # The name that gRPC and its users know.
    """No answer within the time that the caller gave. ``seconds`` is that time; ``what`` says what took longer."""

    def __init__(self, seconds: float, what: str = "the model") -> None:
        self.seconds = seconds
        super().__init__(f"{what} gave no answer within {seconds:g} s")


class ModelFailedError(RuntimeFaultError):
    """The engine failed, or its answer departs from the signed interface. The inputs were as the interface asks."""


class OverloadedError(RuntimeFaultError):
    """The model is busy. ``retry_after`` is in seconds: when a new call may succeed, as far as can be told."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class RequestRefusedError(RuntimeFaultError):
    """A request that the server does not answer.

    ``reason`` is one of ``bridge.serve.refusals.REASONS``; ``retry_after`` in seconds, ``None`` where trying again is no use.
    """

    def __init__(self, reason: str, message: str, *, retry_after: float | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(message)


class DeploymentFailedError(RuntimeFaultError):
    """A fleet whose replicas did not come up. The sentence is what one of them has said, or what became of Ray."""
