"""Generated inputs, in families that each look for faults of another kind.

Random numbers alone hide what only shows at zero, at saturation, at a batch of one or in a sequence of one step. Every family
is a case of its own, drawn from a seed and from nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bridge.errors import InvalidOptionError
from bridge.reference.recording.model_inputs import ModelInput
from bridge.reference.values import Array, Batch

FREE_DIMENSION = 24
"""What an open dimension is bound to, in static elements: divisible by the strides of most networks, and not a power of 2."""

_ELEMENTS = 1 << 26  # of one generated input
_LONGEST = 9  # steps

Fill = Callable[[np.random.Generator, tuple[int, ...], np.dtype[np.generic]], Array]


@dataclass(frozen=True, slots=True)
class InputFamily:
    """Values for every input of a model, by uid, and what they are good for."""

    name: str
    purpose: str
    batches: Mapping[str, Batch]


@dataclass(frozen=True, slots=True)
class _Recipe:
    name: str
    purpose: str
    dense: Fill
    sparse: Fill
    samples: int | None = None  # None: as many as asked for
    lengths: str = "ragged"  # or "one step", "equal"


def generate(inputs: tuple[ModelInput, ...], samples: int, seed: int) -> Iterator[InputFamily]:
    """Every family that applies to ``inputs``, with ``samples`` samples, or sequences, each.

    Raises ``InvalidOptionError`` where an input's shape is not known well enough, or would be too large.
    """
    for item in inputs:
        _refuse_unsuitable(item, samples)
    for recipe in _recipes(inputs):
        # A number of its own for each family, so that one family's values do not depend on which others there are.
        random = np.random.default_rng([seed, zlib.crc32(recipe.name.encode())])
        yield InputFamily(recipe.name, recipe.purpose, _draw(inputs, recipe, recipe.samples or samples, random))


def _recipes(inputs: tuple[ModelInput, ...]) -> Iterator[_Recipe]:
    yield _Recipe("normal", "values as after standardisation", _normal, _one_hot)
    yield _Recipe("zeros", "what a network makes of its biases alone", _constant(0), _constant(0))
    yield _Recipe("ones", "every weight with the same factor", _constant(1), _constant(1))
    yield _Recipe("extremes", "saturation and overflow: large, yet a product of two is finite", _extreme, _one_hot)
    yield _Recipe("denormals", "numbers below the smallest normal one", _denormal, _one_hot)
    yield _Recipe("batch_of_one", "a batch without a second sample", _normal, _one_hot, samples=1)
    yield _Recipe("batch_of_two", "the smallest batch that mixes samples", _normal, _one_hot, samples=2)
    yield _Recipe("odd_batch", "a batch that fills no vector register", _normal, _one_hot, samples=7)
    if any(item.sparse for item in inputs):
        yield _Recipe("multi_hot", "rows with several ones, and with none", _normal, _multi_hot)
    if any(item.sequence_axis is not None for item in inputs):
        yield _Recipe("one_step", "sequences that end where they begin", _normal, _one_hot, lengths="one step")
        yield _Recipe("equal_lengths", "a batch without padding", _normal, _one_hot, lengths="equal")


def _draw(inputs: tuple[ModelInput, ...], recipe: _Recipe, samples: int, random: np.random.Generator) -> dict[str, Batch]:
    axes = dict.fromkeys(item.sequence_axis for item in inputs if item.sequence_axis is not None)
    lengths = {axis: _lengths(recipe.lengths, samples, random) for axis in axes}
    batches: dict[str, Batch] = {}
    for item in inputs:
        fill = recipe.sparse if item.sparse else recipe.dense
        shape = bound_shape(item)
        if item.sequence_axis is not None:
            batches[item.uid] = [fill(random, (steps, *shape), item.dtype) for steps in lengths[item.sequence_axis]]
        else:
            batches[item.uid] = fill(random, (samples, *shape) if item.batched else shape, item.dtype)
    return batches


def bound_shape(item: ModelInput) -> tuple[int, ...]:
    """The input's static shape with a number for every open dimension."""
    return tuple(FREE_DIMENSION if dimension < 0 else dimension for dimension in item.shape)


def _lengths(kind: str, samples: int, random: np.random.Generator) -> list[int]:
    """Steps of each sequence. Ragged ones hold a longest sequence, and, where there is a second one, one of a single step."""
    if kind == "one step":
        return [1] * samples
    if kind == "equal":
        return [5] * samples
    lengths = [int(steps) for steps in random.integers(2, _LONGEST, size=samples)]
    lengths[-1] = 1
    lengths[0] = _LONGEST
    return lengths


def _normal(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    values: Array = random.standard_normal(shape).astype(dtype)
    return values


def _constant(value: float) -> Fill:
    def fill(_random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
        return np.full(shape, value, dtype)

    return fill


def _extreme(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """Magnitudes from 1 to the fourth root of the type's greatest number, evenly in the exponent, of both signs."""
    largest = np.log(float(np.finfo(dtype).max)) / 4  # type: ignore[type-var]  # An input's type is a floating one.
    magnitudes = np.exp(random.uniform(0, largest, shape))
    values: Array = (magnitudes * random.choice([-1.0, 1.0], shape)).astype(dtype)
    return values


def _denormal(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    smallest = float(np.finfo(dtype).tiny)  # type: ignore[type-var]  # Likewise.
    return (random.uniform(-1, 1, shape) * smallest).astype(dtype)


def _one_hot(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """Exactly one 1 along the last axis."""
    rows = np.zeros(shape, dtype)
    if rows.size:
        chosen = random.integers(0, shape[-1], size=shape[:-1]) if shape else 0
        np.put_along_axis(rows, np.expand_dims(np.asarray(chosen), -1), 1, -1)
    return rows


def _multi_hot(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """Some ones along the last axis; the first row has none."""
    rows = (random.uniform(size=shape) < min(0.5, 4 / max(1, shape[-1]))).astype(dtype)
    if rows.size and rows.ndim > 1:
        rows[0] = 0
    return rows


def _refuse_unsuitable(item: ModelInput, samples: int) -> None:
    if item.dtype.kind != "f":
        raise InvalidOptionError(f"input {item.public_name}: no values are generated for {item.dtype}; give some with --inputs")
    if -1 in item.shape:
        raise InvalidOptionError(
            f"input {item.public_name}: the file leaves a dimension of {item.shape} to be inferred; give values with --inputs"
        )
    elements = samples * (_LONGEST if item.sequence_axis else 1)
    for dimension in bound_shape(item):
        elements *= dimension
    if elements > _ELEMENTS:
        raise InvalidOptionError(
            f"input {item.public_name}: {elements} elements; expected at most {_ELEMENTS}: take fewer samples, or give your own"
        )
