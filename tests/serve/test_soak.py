"""The server under mixed traffic with workers killed at random; ``benchmarks/soak_server.py`` does it for ten minutes."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
soaking: Any = importlib.import_module("soak_server")


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [10, 60])
def test_no_wrong_answer_no_hang_and_every_request_in_the_metrics(seconds: float) -> None:
    result = soaking.soak(seconds, hangs_from=20.0, seed=1)
    assert result.faults == []
    assert result.kills > 0
    assert result.counted["http", "200"] > 0
    assert result.counted["grpc", "OK"] > 0
    assert all(any(kind == name for kind, _ in result.kinds) for name in ("hostile", "hasty", "oversized", "slow", "leaving"))
    assert result.memory[1] - result.memory[0] < 48 << 20
    assert result.descriptors[1] <= result.descriptors[0] + 24
