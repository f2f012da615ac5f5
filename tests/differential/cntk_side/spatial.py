"""Convolution, pooling and their relatives in one to three dimensions, padded in every way that CNTK's CPU engine gets right.

Left out is what has no ground truth there: automatic padding together with a ceiling, ceilings with windows narrower than their
stride, groups with padding that is wider behind, dilation, pooling without a batch axis, and regions that end before they start.
"""

from typing import Any, List

import cntk
import numpy as np
from recorder.case import Case

from cntk_side.program import FREE, FREE_SIZE, NothingFitsError, Program


class Window:
    """A window over `size` cells of each spatial axis."""

    def __init__(self, p: Program, size: List[int], narrow: bool = True) -> None:
        self.kernel = tuple(p.integer(1, min(4, n)) for n in size)
        self.strides = tuple(p.integer(1, 4) if p.chance(0.6) else 1 for _ in size)
        if not narrow:
            self.strides = tuple(min(pair) for pair in zip(self.kernel, self.strides))
        self.auto = [p.chance(0.5) for _ in size]


def image(p: Program, least: int = 2, most: int = 4) -> Any:
    """A value with channels and one to three spatial axes: one of the pool, or a new input."""
    if p.chance(0.5):
        return p.operand(lambda value: least <= len(value.shape) <= most and value.dynamic_axes and max(size(value)) > 2)
    shape = [p.integer(1, 4)] + [p.integer(4, 9) for _ in range(p.integer(least, most) - 1)]
    if p.chance(0.2):
        return p.sequence(shape, p.lengths(), dtype=p.dtype)
    if p.chance(0.25):
        shape = [shape[0]] + [FREE if p.chance(0.6) else dim for dim in shape[1:]]
    return p.batch(shape, dtype=p.dtype)


def size(value: Any) -> List[int]:
    return [FREE_SIZE if dim == FREE else dim for dim in value.shape]


def convolution(p: Program) -> Any:
    """Weights with or without a dimension for the maps; strides with the channels as 1, as their number, or as one for all."""
    x = image(p)
    channels, window = x.shape[0], Window(p, size(x)[1:])
    maps = [] if p.chance(0.1) else [p.integer(1, 4)]
    strides = p.one([(1, *window.strides), (channels, *window.strides)])
    return cntk.convolution(
        p.parameter([*maps, channels, *window.kernel], p.dtype), x, strides=strides, auto_padding=[False, *window.auto]
    )


def convolution_without_batch(p: Program) -> Any:
    x = p.static([p.integer(1, 3), p.integer(4, 8), p.integer(4, 8)], p.dtype)
    window = Window(p, size(x)[1:])
    weights = p.parameter([2, x.shape[0], *window.kernel], p.dtype)
    return cntk.convolution(weights, x, strides=(1, *window.strides), auto_padding=[False, *window.auto])


def convolution_along_channels(p: Program) -> Any:
    x = image(p)
    channels, window = x.shape[0], Window(p, size(x)[1:])
    kernel = (p.integer(1, channels), *window.kernel)
    return cntk.convolution(
        p.parameter([p.integer(1, 3), *kernel], p.dtype),
        x,
        strides=(p.integer(1, 3), *window.strides),
        auto_padding=[p.chance(0.2), *window.auto],
    )


def grouped_convolution(p: Program) -> Any:
    groups, share, maps = p.integer(2, 3), p.integer(1, 2), p.integer(1, 2)
    kernel, auto = p.one([1, 3]), p.chance(0.5)
    x = p.batch([groups * share, p.integer(5, 9), p.integer(5, 9)], p.dtype)
    weights = p.parameter([groups * maps, share, kernel, kernel], p.dtype)
    return cntk.convolution(weights, x, strides=(1, 1), auto_padding=[False, auto, auto], groups=groups)


def transposed_convolution(p: Program) -> Any:
    x = image(p)
    channels, window, maps = x.shape[0], Window(p, size(x)[1:]), p.integer(1, 3)
    stated = {}
    if FREE not in x.shape and p.chance(0.5):
        rows = zip(x.shape[1:], window.kernel, window.strides, window.auto)
        spread = [(n - 1) * s + (1 if auto else k) + p.integer(0, s - 1) for n, k, s, auto in rows]
        stated = {"output_shape": (maps, *spread)}
    weights = p.parameter([channels, maps, *window.kernel], p.dtype)
    padding = [False, *window.auto]
    return cntk.convolution_transpose(weights, x, (1, *window.strides), padding, **stated)


def pooling(p: Program) -> Any:
    """Over spatial axes, or over all axes of a value without channels."""
    x = p.batch([p.integer(4, 9)], p.dtype) if p.chance(0.15) else image(p)
    ceiling = p.chance(0.3)
    pooled = size(x) if len(x.shape) == 1 or (len(x.shape) < 4 and p.chance(0.15)) else size(x)[1:]
    window = Window(p, pooled, narrow=not ceiling)
    return cntk.pooling(
        x,
        p.one([cntk.MAX_POOLING, cntk.AVG_POOLING]),
        window.kernel,
        window.strides,
        [False] * len(pooled) if ceiling else window.auto,
        ceil_out_dim=ceiling,
        include_pad=p.chance(0.5),
    )


def global_pooling(p: Program) -> Any:
    layer = p.one([cntk.layers.GlobalMaxPooling, cntk.layers.GlobalAveragePooling])()
    return layer(image(p))


def unpooling(p: Program) -> Any:
    x = image(p)
    window = Window(p, size(x)[1:])
    pooled = cntk.pooling(x, cntk.MAX_POOLING, window.kernel, window.strides, window.auto)
    return cntk.unpooling(cntk.abs(pooled) + 0.25, x, cntk.MAX_UNPOOLING, window.kernel, window.strides, window.auto)


def regions(p: Program) -> Any:
    """In float16 the grid itself is rounded, by which neighbouring cells get in."""
    if p.dtype == np.float16:
        raise NothingFitsError
    x = p.batch([p.integer(1, 3), p.integer(4, 9), p.integer(4, 9)], p.dtype)
    scale = p.one([1.0, 0.5, 0.25])
    shape = (p.samples, p.integer(1, 4), 2)
    starts, extents = p.random.uniform(p.one([-3, 0]), 6, shape), p.random.uniform(0, 9, shape)
    boxes = p.batch_of((np.concatenate([starts, starts + extents], 2) / scale).astype(p.dtype))
    grid = (p.integer(1, 4), p.integer(1, 4))
    return cntk.roipooling(x, boxes, cntk.MAX_POOLING, grid, spatial_scale=scale)


def crop(p: Program) -> Any:
    """A value cut to what convolutions left of the same origin."""
    x = image(p, 3, 3)
    cut, reference = x, x
    for _ in range(p.integer(0, 2)):
        cut = cntk.relu(padded_convolution(p, cut))
    for _ in range(p.integer(1, 2)):
        reference = plain_convolution(p, reference)
    if p.chance(0.4):
        return cntk.crop_manual(cut, reference, p.integer(0, 2), p.integer(0, 2))
    return cntk.crop_automatic(cut, reference)


def padded_convolution(p: Program, x: Any) -> Any:
    kernel = p.integer(1, 3)
    return cntk.convolution(p.parameter([1, x.shape[0], kernel, kernel], p.dtype), x, auto_padding=[False, True, True])


def plain_convolution(p: Program, x: Any) -> Any:
    kernel = p.integer(1, 3)
    return cntk.convolution(p.parameter([1, x.shape[0], kernel, kernel], p.dtype), x, auto_padding=[False, False, False])


def batch_normalization(p: Program) -> Any:
    x = image(p, 1)
    spatial = p.chance(0.6)
    if FREE in x.shape and not spatial:
        raise NothingFitsError
    shape = x.shape[:1] + (1,) * (len(x.shape) - 1 if p.chance(0.3) else 0) if spatial else x.shape
    scale, bias, mean = (p.parameter(shape, p.dtype) for _ in range(3))
    variance = cntk.parameter(init=p.random.uniform(0.1, 3, shape).astype(p.dtype), dtype=p.dtype)
    count = cntk.constant(0.0)
    return cntk.batch_normalization(
        x, scale, bias, mean, variance, spatial, running_count=count, epsilon=p.one([1e-5, 0.3]), use_cudnn_engine=False
    )


def local_response(p: Program) -> Any:
    x = p.batch([p.integer(3, 8), p.integer(2, 5), p.integer(2, 5)], p.dtype)
    bias, alpha, beta = (float(p.random.uniform(*bounds)) for bounds in ((0.5, 3), (0.1, 3), (0.2, 1)))
    return cntk.local_response_normalization(x, p.integer(1, 3), bias, alpha, beta)


def sequence_convolution(p: Program) -> Any:
    """Over time, by strides up to 2: beyond, CNTK's own results depend on the longest sequence of the batch."""
    rest = [p.integer(3, 6) for _ in range(p.integer(0, 2))]
    lengths = [p.integer(4, 8) for _ in range(p.samples)]
    x = p.sequence([p.integer(1, 4), *rest], lengths, dtype=p.dtype)
    kernel = [p.integer(1, 4)] + [p.integer(1, 3) for _ in rest]
    strides = [p.integer(1, 2)] + [p.integer(1, 3) for _ in rest]
    weights = p.parameter([p.integer(1, 3), x.shape[0], *kernel], p.dtype)
    auto = [False] + [p.chance(0.5) for _ in kernel]
    return cntk.convolution(weights, x, strides=(1, *strides), auto_padding=auto, sequential=True)


def activation(p: Program) -> Any:
    return p.one([cntk.relu, cntk.tanh])(p.operand())


OPERATIONS = [
    convolution,
    convolution,
    convolution_without_batch,
    convolution_along_channels,
    grouped_convolution,
    transposed_convolution,
    transposed_convolution,
    pooling,
    pooling,
    global_pooling,
    unpooling,
    regions,
    crop,
    batch_normalization,
    batch_normalization,
    local_response,
    sequence_convolution,
    activation,
]


def build(p: Program) -> Case:
    """One to three operators, on each other's results where they fit."""
    p.batch([p.integer(1, 4), p.integer(4, 9), p.integer(4, 9)], p.dtype)
    p.grow(OPERATIONS, p.integer(1, 3))
    return p.finish()
