"""Cases that can be read, apart from those that cannot: one damaged folder is no reason to leave the others unchecked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from bridge.errors import InvalidGoldenCaseError
from verify.equivalence.cases import case_name
from verify.equivalence.checking import failed_case
from verify.report.document import Case

_Read = TypeVar("_Read")


def read_cases(
    folders: Iterable[Path], load: Callable[[Path], _Read], failed: Callable[[Case], None]
) -> Iterator[tuple[Path, _Read]]:
    """What ``load`` makes of each folder, one at a time; ``failed`` is told of what cannot be read, as a report holds it.

    Raises the first folder's ``InvalidGoldenCaseError`` where none can be read: then there is nothing to check.
    """
    first: InvalidGoldenCaseError | None = None
    any_read = False
    for folder in folders:
        try:
            found = load(folder)
        except InvalidGoldenCaseError as error:
            first = first or error
            failed(failed_case(case_name(folder), "", error))
            continue
        any_read = True
        yield folder, found
    if first is not None and not any_read:
        raise first
