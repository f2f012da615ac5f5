"""Convolution and pooling by their definition, one window at a time: what the converted operators are held against.

Everything is for one sample, without dynamic axes, in float64. A window's cells are looked up one by one, so that padding, of
whatever amount and sign, is simply a cell that is not there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]


def auto_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """CNTK's first padded cell and number of windows, as it states them: centres evenly spaced, what is left over halved."""
    count = -(-size // stride)
    left_over = size - ((count - 1) * stride + 1)
    return (kernel - 1) // 2 - left_over // 2, count


def windows(count: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The positions of all windows, last axis fastest."""
    return itertools.product(*(range(number) for number in count))


def cells(
    position: Sequence[int],
    shape: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    lower: Sequence[int],
    dilation: Sequence[int] | None = None,
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The real cells of one window: where they are in the kernel, and in the data."""
    spread = dilation or [1] * len(kernel)
    for offset in itertools.product(*(range(size) for size in kernel)):
        rows = zip(position, offset, strides, lower, spread, strict=True)
        place = tuple(p * s - low + o * d for p, o, s, low, d in rows)
        if all(0 <= index < size for index, size in zip(place, shape, strict=True)):
            yield offset, place


def convolve(
    data: Numbers,
    weights: Numbers,
    strides: Sequence[int],
    lower: Sequence[int],
    count: Sequence[int],
    *,
    dilation: Sequence[int] | None = None,
    groups: int = 1,
) -> Numbers:
    """``data (C, spatial...)`` by ``weights (maps, C / groups, kernel...)`` -> ``(maps, *count)``."""
    maps, share = weights.shape[:2]
    result = np.zeros((maps, *count))
    for output in range(maps):
        first = output // (maps // groups) * share
        for position in windows(count):
            for offset, place in cells(position, data.shape[1:], weights.shape[2:], strides, lower, dilation):
                for channel in range(share):
                    result[(output, *position)] += data[(first + channel, *place)] * weights[(output, channel, *offset)]
    return result


def pool(
    data: Numbers, kernel: Sequence[int], strides: Sequence[int], lower: Sequence[int], count: Sequence[int], kind: str
) -> Numbers:
    """``data (spatial...)`` -> ``count``; ``kind``: ``max``, ``mean`` over real cells, ``padded mean`` over all of the window."""
    result = np.zeros(tuple(count))
    for position in windows(count):
        found = [data[place] for _, place in cells(position, data.shape, kernel, strides, lower)]
        if kind == "max":
            result[position] = max(found, default=-np.inf)
        elif kind == "mean":
            result[position] = sum(found) / len(found) if found else np.nan
        else:
            result[position] = sum(found) / np.prod(kernel)
    return result
