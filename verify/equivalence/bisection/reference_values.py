"""Where the reference's values of single variables come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from verify.equivalence.cases import Batch, GoldenCase


class ReferenceValues(Protocol):
    """What the reference computed inside a model, for the inputs of one case."""

    def value(self, uid: str) -> Batch | None:
        """The value of the CNTK variable ``uid``; ``None`` where it is not known."""
        ...


class RecordedValues:
    """What a case recorded: its outputs, among them inner variables where it was recorded with those."""

    def __init__(self, case: GoldenCase) -> None:
        self._values = {output.description.uid: output.value for output in case.outputs}

    def value(self, uid: str) -> Batch | None:
        """The recorded value of a variable."""
        return self._values.get(uid)


class FirstOf:
    """Several sources of values, asked in their order."""

    def __init__(self, sources: Sequence[ReferenceValues]) -> None:
        self._sources = tuple(sources)

    def value(self, uid: str) -> Batch | None:
        """The value that the first source with one gives."""
        return next((value for source in self._sources if (value := source.value(uid)) is not None), None)
