"""Levels of the sandbox: their names, their order, and what a minimum refuses."""

import pytest

from bridge.errors import InvalidOptionError, PolicyError
from bridge.runtime.sandbox.report import NO_SANDBOX, SandboxLevel, SandboxReport, parse_minimum, require


def report(level: SandboxLevel, abi: int = 0) -> SandboxReport:
    return SandboxReport(level, abi, {"landlock": "not in this kernel"})


@pytest.mark.parametrize(
    ("reached", "name"),
    [
        (NO_SANDBOX, "none"),
        (report(SandboxLevel.RLIMITS), "rlimits"),
        (report(SandboxLevel.SECCOMP), "seccomp"),
        (report(SandboxLevel.LANDLOCK, 7), "landlock-7+seccomp"),
    ],
)
def test_levels_have_names_that_are_minimums_too(reached: SandboxReport, name: str) -> None:
    assert reached.name == name
    require(reached, name)
    assert reached.to_json()["level"] == name


@pytest.mark.parametrize(
    ("reached", "minimum"),
    [
        (NO_SANDBOX, "rlimits"),
        (report(SandboxLevel.RLIMITS), "seccomp"),
        (report(SandboxLevel.SECCOMP), "landlock"),
        (report(SandboxLevel.LANDLOCK, 3), "landlock-4+seccomp"),
    ],
)
def test_less_than_the_minimum_is_refused_with_what_is_missing(reached: SandboxReport, minimum: str) -> None:
    with pytest.raises(PolicyError, match="sandbox") as refused:
        require(reached, minimum)
    assert refused.value.rule == "sandbox"
    assert minimum in str(refused.value)
    assert reached.name in str(refused.value)


@pytest.mark.parametrize("word", ["", "strict", "landlock-0+seccomp", "landlock-x+seccomp", "Landlock", "landlock-1"])
def test_a_word_that_is_no_level_is_refused(word: str) -> None:
    with pytest.raises(InvalidOptionError, match="no sandbox level"):
        parse_minimum(word)
