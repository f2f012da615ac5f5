"""What a check is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from verify.equivalence.rules import STANDARD, Rules


def _silent(done: int, total: int, what: str) -> None:
    """No progress shown."""
    del done, total, what


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """``backends``: names of the registry, or "all"; without any the model runs on one, the one that starts quickest.

    ``referee``: run the graph in double precision too, and say which side is nearer. ``determinism``: run everything again with
    what should not matter changed. ``bisect``: look for the first operator that differs. ``fail_fast``: stop at the first case
    that does not hold. ``progress`` is told of each case on each backend: how many are done, of how many, and which one is next.
    ``allow_unsigned``: run the code of a PyTorch module's folder, which no signature covers, because its origin is trusted.
    ``command`` is written into the report; ``report_folder`` is where the files of a bisection go, beside the report.
    """

    backends: tuple[str, ...] = ()
    rules: Rules = STANDARD
    referee: bool = False
    determinism: bool = False
    bisect: bool = False
    fail_fast: bool = False
    progress: Callable[[int, int, str], None] = _silent
    allow_unsigned: bool = False
    command: str = ""
    report_folder: Path | None = None


STANDARD_CHECK = CheckOptions()
"""The default backend and the table's tolerances."""
