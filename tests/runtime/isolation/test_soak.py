"""A minute of mixed traffic with workers killed at random; ``benchmarks/soak.py`` does ten by itself."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
soaking: Any = importlib.import_module("soak")


@pytest.mark.parametrize("seconds", [pytest.param(4, id="short"), pytest.param(60, id="a minute", marks=pytest.mark.slow)])
def test_no_wrong_answer_no_hang_and_every_request_accounted_for(seconds: float) -> None:
    result = soaking.soak(seconds, hangs_from=5.0)
    assert result.faults == []
    assert result.kills > 0
    for outcome in ("answered", "late", "failed", "overloaded"):
        assert result.counters[outcome] == result.seen[outcome]
    assert result.counters["requests"] == sum(result.seen.values())
    assert result.seen["answered"] > 0
    assert result.memory[1] - result.memory[0] < 48 << 20
    assert result.descriptors[1] <= result.descriptors[0] + 24
