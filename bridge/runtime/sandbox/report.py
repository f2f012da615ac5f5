"""How far a process is confined, in one word that policies and metadata can use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from bridge.errors import InvalidOptionError, PolicyError

RULE: Final = "sandbox"


class SandboxLevel(IntEnum):
    """From nothing to everything; each level has all that those below it have."""

    NONE = 0
    RLIMITS = 1
    SECCOMP = 2
    LANDLOCK = 3


_NAMES: Final = {
    "none": SandboxLevel.NONE,
    "rlimits": SandboxLevel.RLIMITS,
    "seccomp": SandboxLevel.SECCOMP,
    "landlock": SandboxLevel.LANDLOCK,
}
_FULL = re.compile(r"landlock-([1-9][0-9]{0,3})\+seccomp")


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """What was reached. ``landlock_abi`` is 0 where the kernel has none; ``details`` says what each part did, or why not."""

    level: SandboxLevel
    landlock_abi: int
    details: Mapping[str, str]

    @property
    def name(self) -> str:
        """The level in one word: none, rlimits, seccomp, or landlock-N+seccomp with the ABI's number."""
        if self.level is SandboxLevel.LANDLOCK:
            return f"landlock-{self.landlock_abi}+seccomp"
        return self.level.name.lower()

    def to_json(self) -> dict[str, object]:
        """The report in JSON's types."""
        return {"level": self.name, "details": dict(self.details)}


NO_SANDBOX: Final = SandboxReport(SandboxLevel.NONE, 0, {"process": "the model runs in the process that serves it"})


def parse_minimum(text: str) -> tuple[SandboxLevel, int]:
    """The least level, and the least Landlock ABI, that ``text`` asks for. Raises ``InvalidOptionError`` for another word."""
    if text in _NAMES:
        return _NAMES[text], int(text == "landlock")
    full = _FULL.fullmatch(text)
    if full is None:
        raise InvalidOptionError(
            f"no sandbox level {text!r}: expected none, rlimits, seccomp, landlock, or landlock-N+seccomp with the least ABI"
        )
    return SandboxLevel.LANDLOCK, int(full[1])


def stricter(one: str, other: str) -> str:
    """Whichever of two minimums asks for more. Raises ``InvalidOptionError`` where one is no level."""
    return max(one, other, key=parse_minimum)


def meets(report: SandboxReport, minimum: str) -> bool:
    """Whether a sandbox is at least of level ``minimum``."""
    level, abi = parse_minimum(minimum)
    return report.level >= level and report.landlock_abi >= abi


def require(report: SandboxReport, minimum: str) -> None:
    """Raise ``PolicyError`` (rule ``sandbox``) for a sandbox below ``minimum``."""
    if meets(report, minimum):
        return
    missing = "; ".join(f"{part}: {said}" for part, said in report.details.items())
    raise PolicyError(RULE, f"the model may run from level {minimum} up, and this machine reached {report.name} ({missing})")
