"""Damaged v1 files: whatever the damage, the reader answers in time and within bounds, with a model or with a refusal."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

import pytest

from bridge.errors import BridgeError
from bridge.graph.model import Model
from bridge.limits import DEFAULT_LIMITS
from bridge.source.v1 import read_v1
from bridge.source.v1.layouts import LAYOUTS
from tests.source.v1 import bcn_nodes as nodes
from tests.source.v1.bcn_writer import SECTIONS, BcnFile, f32, f64, flag, i32, numbers, shape, u32, u64, wide
from tests.source.v1.networks import convolutional, recurrent

SECONDS = 1.0
MEMORY_FACTOR = 4
MEMORY_FLOOR = 1 << 20  # bytes: a model of ten nodes weighs the same however small its file
NUMBERS = (0, 1, 2, 3, 4, 8, 31, 32, 33, 255, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 63, (1 << 64) - 1)


def every_field() -> BcnFile:
    """Operators with fields that the other networks lack."""
    file = BcnFile(31)
    file.input("x", 6)
    file.node("Reshape", "reshaped", i32(1) + i32(0) + shape(2, 0), inputs=("x",))
    file.node("LegacyReshape", "legacy", u64(6) + shape(1, 2, 3), inputs=("x",))
    file.node("TransposeDimensions", "turned", i32(0) + i32(0) + numbers(1, 0), inputs=("reshaped",))
    file.node("RowRepeat", "repeated", u64(3), inputs=("x",))
    file.node("Where", "where", wide("new"), inputs=("x",))
    file.node("UnpackSequence", "unpacked", f32(0) + flag(False), inputs=("x",))
    file.node("OutputMultiplexer", "mask", inputs=("unpacked",))
    file.node("OptimizedRNNStack", "stack", u64(0) + u64(1) + u64(2) + wide("lstm") + i32(2), inputs=("x", "x"))
    file.node("EditDistanceError", "edit", f32(1) * 3 + flag(True) + numbers(1, 2), inputs=("x", "x"))
    file.node("Crop", "crop", f64(1) + f64(2), inputs=("x", "x"))
    file.node("ROIPooling", "regions", shape(2, 2) + i32(1) + f64(1), inputs=("x", "x"))
    file.node("Mean", "mean", flag(True), file.matrix(6, 1, range(6)), inputs=("x",))
    file.node("PerDimMeanVarNormalization", "normal", inputs=("x", "mean", "mean"))
    file.node("CrossEntropy", "loss", inputs=("x", "normal"))
    nodes.times(file, "squared", "reshaped", "x")
    file.group("output", "normal")
    file.group("criterion", "loss")
    return file


def corpus() -> list[BcnFile]:
    files = [every_field()]
    for version in (1, 2, 4, 5, 7, 10, 12, 16, 19, 23, 27, 31):
        files += [recurrent(version, double=version % 2 == 0), convolutional(version)]
    return files


WITHOUT_FIELDS = sorted(op for op, layout in LAYOUTS.items() if not layout)


def rewire(original: BcnFile, chance: random.Random) -> BcnFile:
    """The same nodes in another network: the bytes stay in order, the meaning does not."""
    file = BcnFile(original.version, original.double, list(original.nodes), list(original.relations), dict(original.groups))
    names = [name for name, _ in file.relations]
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(names))
        _, name, body, precision = file.nodes[at]
        match chance.randrange(4):
            case 0:
                inputs = chance.choices(names, k=len(file.relations[at][1]))
                file.relations[at] = (names[at], tuple(inputs))
            case 1:
                file.relations[at] = (names[at], tuple(chance.choices(names, k=chance.randrange(7))))
            case 2 if not body:
                file.nodes[at] = (chance.choice(WITHOUT_FIELDS), name, body, precision)
            case _:
                file.group(chance.choice(sorted(SECTIONS)), *chance.choices(names, k=chance.randrange(4)))
    return file


def flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def overwrite(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at : at + chance.randint(1, 16)] = chance.randbytes(chance.randint(1, 16))


def number(data: bytearray, chance: random.Random) -> None:
    size = chance.choice((1, 4, 8))
    at = chance.randrange(max(len(data) - size, 1))
    data[at : at + size] = (chance.choice(NUMBERS) & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def small_number_first(data: bytearray, chance: random.Random) -> None:
    """Replace a place that looks like a small count, which is where a count stands."""
    places = [at for at in range(len(data) - 8) if 0 < data[at] < 64 and not any(data[at + 1 : at + 8])]
    if places:
        at = chance.choice(places)
        data[at : at + 8] = chance.choice(NUMBERS).to_bytes(8, "little")


def remove(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.randint(1, 64)]


def truncate(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def repeat(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    piece = data[at : at + chance.randint(1, 256)]
    data[at:at] = piece * chance.randint(1, 8)


def rename(data: bytearray, chance: random.Random) -> None:
    """Give one letter of a name or an operator another value, so that names collide and relations go astray."""
    letters = [at for at in range(len(data) - 1) if 97 <= data[at] <= 122 and data[at + 1] == 0]
    if letters:
        data[chance.choice(letters)] = chance.choice(b"abhnxyzW")


MUTATIONS: Sequence[Callable[[bytearray, random.Random], None]] = (
    flip, overwrite, number, small_number_first, remove, truncate, repeat, rename,
)  # fmt: skip


def damaged(count: int, seed: int) -> Iterator[bytes]:
    """Files with one to three damages each, to the bytes or to the network; the same ones for a seed."""
    chance = random.Random(seed)  # noqa: S311 - the same damage in every clone is what is wanted
    originals = [(file, file.build()) for file in corpus()]
    for _ in range(count):
        file, built = chance.choice(originals)
        if chance.randrange(3) == 0:
            yield rewire(file, chance).build()
            continue
        data = bytearray(built)
        for _ in range(chance.choice((1, 1, 2, 3))):
            if data:
                chance.choice(MUTATIONS)(data, chance)
        yield bytes(data)


def read_or_refuse(data: bytes) -> Model | str:
    """The model, or the sentence of the refusal; any other error is a bug and goes through."""
    try:
        return read_v1(memoryview(data), DEFAULT_LIMITS)
    except BridgeError as refusal:
        return str(refusal)


def hammer(count: int, seed: int) -> int:
    """Read ``count`` damaged files; how many of them were still models."""
    survived = 0
    tracemalloc.start()
    try:
        for data in damaged(count, seed):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            start = time.thread_time()
            answer = read_or_refuse(data)
            survived += isinstance(answer, Model)
            assert answer
            assert time.thread_time() - start < SECONDS, f"slow: {data.hex()}"
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < max(MEMORY_FACTOR * len(data), MEMORY_FLOOR), f"{peak - before} bytes for {data.hex()}"
    finally:
        tracemalloc.stop()
    return survived


def test_damaged_files_are_read_or_refused() -> None:
    survived = hammer(2_000, seed=1)

    # Damage to weights and names often leaves a model; if none survived, the mutations would be too coarse to reach far.
    assert 100 < survived < 1_900


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_very_many_damaged_files_are_read_or_refused(seed: int) -> None:
    assert hammer(10_000, seed) > 500


def test_a_large_hostile_file_stays_within_bounds() -> None:
    """The densest file there can be: nothing but nodes of the shortest kind, all inputs of one."""
    file = BcnFile(1)
    file.input("x", 1)
    names = [format(number, "x") for number in range(5_000)]
    for name in names:
        file.node("Abs", f"n{name}", inputs=("x",))
    file.node("RowStack", "all", inputs=[f"n{name}" for name in names])
    data = file.build()

    tracemalloc.start()
    try:
        start = time.thread_time()
        model = read_v1(memoryview(data), DEFAULT_LIMITS)
        seconds = time.thread_time() - start
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(model.functions) == 5_002
    assert seconds < 10  # Tracing memory makes it several times slower than it is.
    assert peak < 2_500 * len(names)  # bytes for each node, none for anything that the file merely claims


def test_a_claim_of_many_elements_allocates_nothing() -> None:
    file = BcnFile(31)
    claim = f32(1) + shape(1 << 20, 1 << 10) + b"d" + wide("BMAT") + u64(4) + wide("") + i32(0) + u64(1 << 20) + u64(1 << 10)
    file.node("LearnableParameter", "w", claim + u32(0))

    tracemalloc.start()
    try:
        with pytest.raises(BridgeError, match="the file ends too early"):
            read_v1(memoryview(file.build()), DEFAULT_LIMITS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < MEMORY_FLOOR
