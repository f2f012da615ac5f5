"""Size costs nothing: weights are located, never read, and the structure of a large network is read in a moment."""

from __future__ import annotations

import mmap
import time
import tracemalloc
from pathlib import Path

import numpy as np

from bridge.source import read_model
from tests.source.v2.models import composite, function, input_, parameter, read
from tests.source.v2.wire_writer import Detached, Shape, container, dictionary


def test_half_a_gigabyte_is_read_without_touching_the_weights(tmp_path: Path) -> None:
    """Eight weights of 64 MiB in a sparse file: were they read, it would take a good part of a second and as much memory."""
    count = 1 << 24
    leaf = parameter("w", np.zeros(1, np.float32)) | {"shape": Shape((count,)), "value": Detached(1, (count,))}
    leaves = [leaf | {"uid": f"w{n}"} for n in range(8)]
    message = dictionary(composite("All", leaves, [function("All", "Combine", [f"w{n}" for n in range(8)])]))
    path = tmp_path / "large.dnn"
    with path.open("wb") as file:
        file.write(container(message, b""))
        file.truncate(8 + len(message) + 8 * 4 * count)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = time.perf_counter()
    model = read_model(memoryview(mapped))
    elapsed = time.perf_counter() - start
    assert sum(variable.value.values.nbytes for variable in model.variables.values() if variable.value) == 8 * 4 * count
    assert elapsed < 0.1


def test_weights_inside_the_message_are_not_copied() -> None:
    weight = np.zeros((4, 1 << 20), np.float32)
    octets = dictionary(composite("F", [input_(), parameter("w", weight)], [function("F", "Times", ["w", "x"])]))
    tracemalloc.start()
    try:
        model = read(octets)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert model.variables["w"].value is not None
    assert peak < 200_000


def test_a_thousand_functions_are_read_in_a_moment() -> None:
    functions = [function("F0", "Plus", ["x", "w"])]
    functions += [function(f"F{n}", "Plus", [f"F{n - 1}_Output_0", "w"]) for n in range(1, 1000)]
    octets = dictionary(composite("F999", [input_(), parameter("w", np.ones(2, np.float32))], functions))
    start = time.perf_counter()
    model = read(octets)
    elapsed = time.perf_counter() - start
    assert len(model.functions) == 1000
    assert elapsed < 1.0
