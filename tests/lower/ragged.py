"""What every converted sequence model must keep, whatever it computes.

A padded batch gives for each sequence what that sequence gives alone, what stands in the padding never matters (it is NaN
here), and padded steps of outputs are zero. Each is compared with numpy, sequence by sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lower.graphs import Array, Converted

Values = Callable[[np.random.Generator, tuple[int, ...]], Array]
Reference = Callable[..., Array]
"""Takes one sequence ``[L, ...]`` or sample ``[...]`` per input, by name, and gives the one output for it."""


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Values around 0, of either sign."""
    return rng.standard_normal(shape)


def padded(sequences: Sequence[Array], extra: int = 0) -> Array:
    """``[N, T, ...]``, NaN behind the end of each sequence; ``extra`` steps of nothing but padding."""
    steps = max(len(sequence) for sequence in sequences) + extra
    full = np.full((len(sequences), steps, *sequences[0].shape[1:]), np.nan, sequences[0].dtype)
    for row, sequence in zip(full, sequences, strict=True):
        row[: len(sequence)] = sequence
    return full


def holds_for_any_batch(
    converted: Converted,
    reference: Reference,
    values: Mapping[str, Values] | None = None,
    *,
    examples: int = 12,
    shortest: int = 1,
    tolerance: float = 2e-5,
) -> None:
    """Check the first output of ``converted`` against ``reference`` on batches of any size and sequences of any length.

    ``values`` makes the values of inputs, ``normal`` those of the others.
    """

    @settings(max_examples=examples)
    @given(
        lengths=st.lists(st.integers(shortest, shortest + 4), min_size=1, max_size=4),
        extra=st.integers(0, 2),
        seed=st.integers(0, 1000),
    )
    def check(lengths: list[int], extra: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        samples = [_sample(converted, length, rng, values or {}) for length in lengths]
        wanted = [reference(**sample) for sample in samples]
        for sample, expected in zip(samples, wanted, strict=True):
            alone = _first(converted.run({name: value[None] for name, value in sample.items()}))
            np.testing.assert_allclose(alone[0], expected, rtol=tolerance, atol=tolerance)
        _check_batch(converted, samples, wanted, lengths, extra, tolerance)

    check()


def _sample(converted: Converted, length: int, rng: np.random.Generator, values: Mapping[str, Values]) -> dict[str, Array]:
    """One sequence or sample per input."""
    made: dict[str, Array] = {}
    for port in converted.lowered.inputs:
        if port.name == "lengths":
            continue
        shape = (length if dim == "T" else dim for dim in port.shape[1:])
        sizes = tuple(dim for dim in shape if isinstance(dim, int))
        made[port.name] = np.asarray(values.get(port.name, normal)(rng, sizes), port.dtype)
    return made


def _check_batch(
    converted: Converted,
    samples: Sequence[dict[str, Array]],
    wanted: Sequence[Array],
    lengths: Sequence[int],
    extra: int,
    tolerance: float,
) -> None:
    feeds = {
        port.name: padded([sample[port.name] for sample in samples], extra)
        if "T" in port.shape
        else np.stack([sample[port.name] for sample in samples])
        for port in converted.lowered.inputs
        if port.name != "lengths"
    }
    outputs = converted.run(feeds, lengths)
    made = _first(outputs)
    first = converted.lowered.outputs[0]
    is_sequence = len(first.shape) > 1 and str(first.shape[1]).startswith("T")
    for row, expected in zip(made, wanted, strict=True):
        real = row[: len(expected)] if is_sequence else row
        np.testing.assert_allclose(real, expected, rtol=tolerance, atol=tolerance)
        if is_sequence:
            assert not row[len(expected) :].any(), "padded steps of an output are not zero"
    own_lengths = outputs.get(f"{first.name}_lengths")
    if own_lengths is not None:
        assert list(own_lengths) == [len(expected) for expected in wanted]


def _first(outputs: Mapping[str, Array]) -> Array:
    return next(iter(outputs.values()))
