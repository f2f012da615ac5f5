"""One fact about this machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Whether it can be used."""

    WORKS = "works"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """``detail`` is what was found, a version or an ability; ``advice`` what to do where it does not work.

    What is ``required`` has to work, or no model is converted.
    """

    area: str
    name: str
    state: State
    detail: str
    advice: str = ""
    required: bool = False

    @property
    def fails(self) -> bool:
        """Whether something is wrong: a thing that is required and does not work, or one that is there and broken."""
        return self.state is State.BROKEN or (self.required and self.state is not State.WORKS)

    def to_json(self) -> dict[str, str | bool]:
        """The finding for machines."""
        return {
            "area": self.area,
            "name": self.name,
            "state": self.state.value,
            "detail": self.detail,
            "advice": self.advice,
            "required": self.required,
        }
