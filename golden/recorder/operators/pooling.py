"""Pooling, unpooling and pooling of regions."""

from typing import Any

import cntk
import numpy as np

from recorder.case import Case, case
from recorder.operators.operands import Builder, applied, batched, on_batch, scattered


def pooled(data: np.ndarray, window: Any, **options: Any) -> Builder:
    """Maximum and average pooling of a batch, an output for each."""
    return on_batch(lambda x: [cntk.pooling(x, kind, window, **options) for kind in (cntk.MAX_POOLING, cntk.AVG_POOLING)], data)


IMAGE = scattered(80, 2, 3, 7, 6)


def unpooled(x: cntk.Variable) -> cntk.Function:
    """Pool, negate, and put the values back where the maxima were."""
    small = cntk.pooling(x, cntk.MAX_POOLING, (2, 2), strides=(2, 2))
    return cntk.unpooling(-small, x, cntk.MAX_UNPOOLING, (2, 2), strides=(2, 2))


def pooled_free_axes() -> Case:
    """Padding that depends on a size which is known only when the model runs."""
    x = cntk.input_variable((2, cntk.FreeDimension, cntk.FreeDimension), name="x")
    result = cntk.pooling(x, cntk.AVG_POOLING, (3, 2), strides=(2, 2), auto_padding=[True])
    return case(result, {x: scattered(85, 2, 2, 6, 7)})


CASES = {
    "pooling_valid": pooled(IMAGE, (2, 2), strides=(2, 2)),
    "pooling_padded": pooled(IMAGE, (3, 3), strides=(2, 2), auto_padding=[True]),
    "pooling_even_window": pooled(IMAGE, (2, 4), strides=(1, 1), auto_padding=[True]),
    "pooling_ceiling": pooled(IMAGE, (2, 3), strides=(2, 2), ceil_out_dim=True),
    "pooling_ceiling_empty_window": pooled(IMAGE, (3, 2), strides=(2, 3), ceil_out_dim=True),
    "pooling_counts_padding": pooled(IMAGE, (3, 3), strides=(2, 2), auto_padding=[True], include_pad=True),
    "pooling_global": pooled(IMAGE, (7, 6)),
    "pooling_1d": pooled(scattered(81, 2, 3, 9), (3,), strides=(2,)),
    "pooling_3d": pooled(scattered(82, 2, 2, 4, 5, 4), (2, 3, 2), strides=(2, 2, 2)),
    "pooling_free_axes": pooled_free_axes,
    "unpooling": on_batch(unpooled, scattered(83, 2, 2, 6, 4)),
    "roi_pooling": applied(
        lambda x, y: cntk.roipooling(x, y, cntk.MAX_POOLING, (2, 3), 0.5),
        lambda: batched(
            scattered(84, 2, 3, 8, 8),
            np.array([[[0, 0, 15, 15], [2, 4, 9, 11]], [[5, 1, 5, 1], [6, 6, 15, 13]]], dtype=np.float32),
        ),
    ),
}  # type: Family
