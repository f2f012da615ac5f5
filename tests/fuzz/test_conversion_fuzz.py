"""Mutated files taken all the way to a lowered graph: what the reader lets through must convert or be refused, and soon."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.conversion import lower_bytes
from bridge.errors import BridgeError
from bridge.light_import import import_onnx_ir
from bridge.source import detect_format
from tests.fuzz.v2_tree_mutations import all_lists, mutate_tree, parse

GOLDEN = Path(__file__).parents[2] / "golden"
LARGEST_BYTES = 60_000
SECONDS_PER_MODEL = 2.0


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """Mutated messages, written with the right lengths, so that a good share of them are still models."""
    rng = random.Random(seed)  # noqa: S311 - the same mutations in every run are what is wanted here
    paths = [path for path in sorted(GOLDEN.rglob("model.dnn")) if path.stat().st_size <= LARGEST_BYTES]
    files = [octets for octets in map(Path.read_bytes, paths) if detect_format(memoryview(octets)) == "v2"]
    trees = [parse(octets) for octets in files]
    lists = [all_lists(tree) for tree in trees]
    for _ in range(count):
        chosen = rng.randrange(len(trees))
        yield mutate_tree(trees[chosen], lists[chosen], rng)


def outcome(octets: bytes) -> str:
    import_onnx_ir()
    from bridge.lower import LoweringOptions

    started = time.process_time()
    try:
        lower_bytes(memoryview(octets), None, LoweringOptions())
        found = "converted"
    except BridgeError as error:
        found = type(error).__name__
    assert time.process_time() - started < SECONDS_PER_MODEL
    return found


def expect_models_and_refusals(count: int, seed: int) -> None:
    outcomes = Counter(map(outcome, mutants(count, seed)))
    assert outcomes["converted"] > count // 10, f"most mutants never reach the lowering: {outcomes}"
    assert outcomes["InvalidModelError"] > count // 10, f"most mutations change nothing: {outcomes}"


def test_mutated_models_convert_or_are_refused() -> None:
    expect_models_and_refusals(600, seed=20_190_426)


@pytest.mark.slow
def test_twenty_thousand_mutated_models_convert_or_are_refused() -> None:
    expect_models_and_refusals(20_000, seed=7)
