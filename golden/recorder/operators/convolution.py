"""Convolution in one, two and three dimensions: padding arithmetic, strides, channels, groups, transposition."""

from typing import Any

import cntk
import numpy as np

from recorder.operators.operands import Builder, on_batch, on_sequences, ragged, scattered


def kernel(*shape: int) -> cntk.Constant:
    """A constant kernel `(maps, channels, *spatial)`."""
    return cntk.constant(scattered(60, *shape))


def convolved(data: np.ndarray, weights: Any, **options: Any) -> Builder:
    """Convolution of a batch."""
    return on_batch(lambda x: cntk.convolution(kernel(*weights), x, **options), data)


def transposed(data: np.ndarray, weights: Any, **options: Any) -> Builder:
    """Transposed convolution of a batch."""
    return on_batch(lambda x: cntk.convolution_transpose(kernel(*weights), x, **options), data)


IMAGE = scattered(61, 2, 3, 7, 6)

CASES = {
    "convolution_valid": convolved(IMAGE, (4, 3, 3, 3), auto_padding=[False]),
    "convolution_padded": convolved(IMAGE, (4, 3, 3, 3), auto_padding=[False, True, True]),
    "convolution_even_kernel": convolved(IMAGE, (4, 3, 2, 4), auto_padding=[False, True, True]),
    "convolution_stride_2": convolved(IMAGE, (4, 3, 3, 3), strides=(2, 2), auto_padding=[False, True, True]),
    "convolution_stride_past_kernel": convolved(IMAGE, (4, 3, 1, 1), strides=(3, 3), auto_padding=[False, True, True]),
    "convolution_groups": convolved(scattered(62, 2, 4, 5, 5), (6, 2, 3, 3), auto_padding=[False, True, True], groups=2),
    "convolution_without_channels": convolved(scattered(63, 2, 6, 5), (2, 3, 3), auto_padding=[True], reduction_rank=0),
    "convolution_1d": convolved(scattered(64, 2, 3, 9), (4, 3, 3), strides=(2,), auto_padding=[False, True]),
    "convolution_3d": convolved(scattered(65, 2, 2, 4, 5, 4), (3, 2, 3, 2, 3), auto_padding=[False, True, True, True]),
    "convolution_over_sequence": on_sequences(
        lambda x: cntk.convolution(kernel(4, 3, 3), x, strides=(2,), auto_padding=[False, True], sequential=True),
        ragged(66, [7, 1, 4], 3),
    ),
    "convolution_of_each_step": on_sequences(
        lambda x: cntk.convolution(kernel(2, 1, 3, 3), x, auto_padding=[False, True, True]), ragged(67, [2, 3], 1, 4, 5)
    ),
    "convolution_transpose": transposed(scattered(68, 2, 4, 4, 3), (4, 3, 3, 3), strides=(2, 2), auto_padding=[False]),
    "convolution_transpose_padded": transposed(
        scattered(69, 2, 4, 4, 3), (4, 2, 3, 3), strides=(2, 2), auto_padding=[False, True, True]
    ),
    "convolution_transpose_to_shape": transposed(
        scattered(70, 2, 4, 4, 3), (4, 2, 4, 4), strides=(2, 2), auto_padding=[False, True, True], output_shape=(2, 8, 6)
    ),
}  # type: Family
