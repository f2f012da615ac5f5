"""Mutated v2 files: whatever the bytes, a model or a ``BridgeError``, soon, and in little memory.

The files are those of ``golden/`` and a few made here for what they lack. Every run draws the same mutations.
"""

from __future__ import annotations

import functools
import random
import resource
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import BridgeError
from bridge.source import detect_format, read_model
from tests.fuzz.byte_mutations import mutate_bytes
from tests.fuzz.v2_tree_mutations import all_lists, mutate_tree, parse
from tests.source.v2.models import block, composite, constant, function, input_, parameter, placeholder, user_function
from tests.source.v2.wire_writer import Detached, Shape, Size, container, dictionary

GOLDEN = Path(__file__).parents[2] / "golden"
LARGEST_BYTES = 40_000  # larger files only repeat what smaller ones hold
LONGEST_SENTENCE = 2000
SECONDS_PER_READ = 1.0
MEMORY_FACTOR = 4
MEMORY_FLOOR_BYTES = 4 << 20  # what a file of any size may take: bookkeeping, error messages, the interpreter's own caches
PROCESS_FLOOR_BYTES = 32 << 20  # likewise for a process that has read a hundred thousand files


@functools.cache
def corpus() -> tuple[bytes, ...]:
    files = (path.read_bytes() for path in sorted(GOLDEN.rglob("model.dnn")) if path.stat().st_size <= LARGEST_BYTES)
    recorded = tuple(octets for octets in files if detect_format(memoryview(octets)) == "v2")
    return (*recorded, *made_here())


def made_here() -> Iterator[bytes]:
    """What no recorded network has: user code, small integers, early versions, arrays outside of the message."""
    leaves = [
        input_(),
        placeholder("p"),
        constant("i8", np.array([1, 2], np.int8)),
        parameter("i16", np.array([-300, 2], np.int16)),
        parameter("w", np.ones((2, 2), np.float64)),
    ]
    functions = [
        function("F", "TopK", ["p"], {"numItems": Size(1)}),
        block("B", "F", {"p": "x"}),
        function("C", "Combine", ["B_Output_1", "x"]),
        block("D", "C", {}),
        user_function("U", ["D_Output_1"], module="m", state={"array": np.zeros(2, np.float32)}, op_name="m.c"),
        function("N", "BatchNormalization", ["U_Output_1", "i8", "i16", "w", "w"], version=Size(3)),
    ]
    state = {"N": {"rng_seed": Size(1), "rng_offset": Size(2)}}
    yield dictionary(composite("N", leaves, functions, version=Size(2), state=state), 1)
    leaf = parameter("w", np.ones(1, np.float32)) | {"shape": Shape((100,)), "value": Detached(1, (100,))}
    yield container(dictionary(composite("F", [input_(), leaf], [function("F", "Plus", ["x", "w"])])), bytes(400))


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """``count`` mutants, half of them of bytes and half of messages."""
    rng = random.Random(seed)  # noqa: S311 - the same mutations in every run are what is wanted here
    files = corpus()
    trees = [parse(octets) for octets in files if octets[:4] != b"ktnc"]
    lists = [all_lists(tree) for tree in trees]
    for number in range(count):
        if number % 2:
            yield mutate_bytes(rng.choice(files), files, rng)
        else:
            chosen = rng.randrange(len(trees))
            yield mutate_tree(trees[chosen], lists[chosen], rng)


def read_outcome(octets: bytes) -> str:
    """What became of a file: the name of the error, or ``Model``. Any other exception goes through and fails the test."""
    try:
        read_model(memoryview(octets))
    except BridgeError as error:
        return type(error).__name__ if len(str(error)) < LONGEST_SENTENCE else "a sentence too long to show"
    return "Model"


def survey(count: int, seed: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for octets in mutants(count, seed):
        start = time.process_time()
        outcomes[read_outcome(octets)] += 1
        assert time.process_time() - start < SECONDS_PER_READ
    assert outcomes.keys() <= {"Model", "InvalidModelError", "NotAModelError", "UnsupportedVersionError", "LimitExceededError"}
    return outcomes


def test_every_file_of_the_corpus_is_read() -> None:
    assert len(corpus()) > 100
    assert {read_outcome(octets) for octets in corpus()} == {"Model"}


def test_two_thousand_mutants_are_read_or_refused() -> None:
    outcomes = survey(2000, seed=1)
    assert outcomes["Model"] > 100  # the mutations are not all so coarse that nothing gets through
    assert outcomes["InvalidModelError"] > 1000


def test_mutants_take_little_memory_each() -> None:
    tracemalloc.start()
    try:
        for octets in mutants(300, seed=2):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            read_outcome(octets)
            assert tracemalloc.get_traced_memory()[1] - before < MEMORY_FLOOR_BYTES + MEMORY_FACTOR * len(octets)
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_hundred_thousand_mutants_are_read_or_refused() -> None:
    """Memory is judged by the growth of the process, which no read can exceed: one peak, and what Python does not give back."""
    survey(2000, seed=3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = survey(100_000, seed=4)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < PROCESS_FLOOR_BYTES + MEMORY_FACTOR * LARGEST_BYTES
    assert outcomes.total() == 100_000
