"""What is asked, whatever carried it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.errors import RequestRefusedError
from bridge.runtime.served import Array

TENSORS_AT_MOST: Final = 256
NAME_CHARACTERS_AT_MOST: Final = 1024


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """``outputs`` are the names asked for, empty for all; ``binary`` those of them that are wanted as bytes.

    ``binary_default`` is for outputs that were not named. ``seconds`` is the client's timeout, ``None`` for the model's.
    """

    identifier: str
    inputs: dict[str, Array]
    outputs: tuple[str, ...] = ()
    binary: frozenset[str] = frozenset()
    binary_default: bool = False
    seconds: float | None = None

    def is_binary(self, output: str) -> bool:
        """Whether ``output`` is to be sent as bytes behind the JSON."""
        return output in self.binary if self.outputs else self.binary_default


def checked_name(value: object, where: str) -> str:
    """``value`` if it can be the name of a tensor, or an identifier. Raises ``RequestRefusedError`` otherwise."""
    if not isinstance(value, str) or len(value) > NAME_CHARACTERS_AT_MOST:
        raise RequestRefusedError("malformed", f"{where}: expected a text of at most {NAME_CHARACTERS_AT_MOST} characters")
    return value


def seconds_of(microseconds: object) -> float | None:
    """The request's parameter ``timeout``, which is in microseconds, as Triton has it. 0 is none."""
    if microseconds is None:
        return None
    if type(microseconds) is not int or not 0 <= microseconds < 1 << 53:
        raise RequestRefusedError("malformed", "parameters.timeout: expected a whole number of microseconds")
    return microseconds / 1e6 if microseconds else None
