"""Layers of CNTK's library with the options that networks seldom set: windows, ranks, shared and stated weights, axes."""

from typing import Any, List

import cntk
import numpy as np
from cntk.layers import (
    GRU,
    LSTM,
    AttentionModel,
    AveragePooling,
    BatchNormalization,
    Convolution,
    Convolution1D,
    Convolution2D,
    Convolution3D,
    ConvolutionTranspose,
    ConvolutionTranspose1D,
    ConvolutionTranspose2D,
    ConvolutionTranspose3D,
    Delay,
    Dense,
    Embedding,
    LayerNormalization,
    MaxPooling,
    MaxUnpooling,
    PastValueWindow,
    Recurrence,
    RNNStep,
    SequentialConvolution,
    Stabilizer,
)
from recorder.case import Case
from recorder.parameters import fill_parameters, fill_running_statistics

from cntk_side.program import FREE, NothingFitsError, Program

ACTIVATIONS = (None, None, cntk.relu, cntk.tanh, cntk.softplus, cntk.softmax, cntk.leaky_relu)


def windows(p: Program, rank: int, most: int = 3) -> Any:
    return tuple(p.integer(1, most) for _ in range(rank))


def padding(p: Program, rank: int) -> Any:
    """One flag for all spatial axes, or one for each."""
    return p.one([False, True, tuple(p.chance(0.5) for _ in range(rank))])


def image(p: Program, rank: int, channels: List[int]) -> Any:
    """Data with a batch axis, with a sequence axis now and then, or of free spatial sizes."""
    sizes = [p.integer(4, 7) for _ in range(rank)]
    if p.chance(0.2):
        return p.sequence((*channels, *sizes), p.steps, dtype=p.dtype)
    if p.chance(0.2):
        sizes = [FREE if p.chance(0.5) else dim for dim in sizes]
    return p.batch((*channels, *sizes), p.dtype)


def convolution(p: Program) -> Any:
    rank = p.integer(1, 3)
    layer = p.one([Convolution, [Convolution1D, Convolution2D, Convolution3D][rank - 1]])
    reduced = p.chance(0.8)
    options = {
        "activation": p.one(ACTIVATIONS),
        "pad": padding(p, rank),
        "strides": p.one([1, windows(p, rank)]),
        "bias": p.chance(0.7),
        "reduction_rank": int(reduced),
        "name": p.one(["", "conv"]),
    }
    shape = p.one([None, 1, 3]) if not reduced else p.one([1, 2, 4])
    return layer(windows(p, rank), shape, **options)(image(p, rank, [p.integer(1, 3)] if reduced else []))


def several_filter_axes(p: Program) -> Any:
    """Filters in a tensor of their own shape. CNTK takes further axes for maps along the spatial ones, and fails."""
    return Convolution(windows(p, 2), (p.integer(1, 3), 1), pad=p.chance(0.5), bias=p.chance(0.5))(image(p, 2, [2]))


def transposed(p: Program) -> Any:
    rank = p.integer(1, 3)
    layer = p.one([ConvolutionTranspose, [ConvolutionTranspose1D, ConvolutionTranspose2D, ConvolutionTranspose3D][rank - 1]])
    options = {"activation": p.one(ACTIVATIONS), "pad": padding(p, rank), "bias": p.chance(0.7)}
    return layer(windows(p, rank), p.integer(1, 3), strides=p.one([1, 2, windows(p, rank)]), **options)(image(p, rank, [2]))


def transposed_to_a_size(p: Program) -> Any:
    height, width, stride = p.integer(3, 5), p.integer(3, 5), p.integer(1, 2)
    x = p.batch((2, height, width), p.dtype)
    size = (stride * height, stride * width)
    return ConvolutionTranspose((3, 3), 2, strides=stride, pad=True, output_shape=size)(x)


def sequential(p: Program) -> Any:
    """A convolution over the steps, by windows of delays or over the padded axis."""
    rank = p.integer(0, 2)
    sizes = [p.integer(3, 5) for _ in range(rank)]
    x = p.sequence((2, *sizes), p.steps, dtype=p.dtype)
    options = {"pad": p.chance(0.6), "activation": p.one(ACTIVATIONS), "bias": p.chance(0.6)}
    if p.chance(0.5):
        return Convolution(windows(p, rank + 1), 3, sequential=True, strides=p.one([1, (1, *windows(p, rank, 2))]), **options)(x)
    strides = p.one([1, (p.integer(1, 2), *windows(p, rank, 2))])
    return SequentialConvolution(windows(p, rank + 1), 3, strides=strides, **options)(x)


def pooling(p: Program) -> Any:
    rank = p.integer(1, 3)
    layer = p.one([MaxPooling, AveragePooling])
    x = image(p, rank, [p.integer(1, 3)] if p.chance(0.8) else [2, 3])
    return layer(windows(p, rank), strides=p.one([1, 2, windows(p, rank)]), pad=padding(p, rank))(x)


def unpooling(p: Program) -> Any:
    """Values put back where the greatest of each window stood."""
    x = p.batch((2, p.integer(4, 7), p.integer(4, 7)), p.dtype)
    window, strides, pad = windows(p, 2), windows(p, 2, 2), p.chance(0.3)
    pooled = MaxPooling(window, strides, pad)(x)
    return MaxUnpooling(window, strides, pad)(cntk.relu(pooled) + 0.5, x)


def dense(p: Program) -> Any:
    """Over all axes, the last ones, or all but the first ones, into vectors or tensors."""
    x = p.one([p.batch, lambda shape, dtype: p.sequence(shape, p.steps, None, dtype)])(p.shape(1, 3), p.dtype)
    options = {"activation": p.one(ACTIVATIONS), "bias": p.chance(0.7)}
    kind, rank = p.integer(0, 2), len(x.shape)
    if kind == 1:
        options["input_rank"] = p.integer(1, rank)
    if kind == 2:
        options["map_rank"] = p.integer(0, rank - 1)
    return Dense(p.one([2, (2,), (2, 3), (1, 2, 2)]), **options)(x)


def embedding(p: Program) -> Any:
    """Learned, or with weights that are given."""
    width = p.integer(2, 5)
    x = p.one([p.batch, lambda shape, dtype: p.sequence(shape, p.steps, None, dtype)])((width,), p.dtype)
    if p.chance(0.5):
        return Embedding(p.one([2, (2,), (2, 3)]))(x)
    return Embedding(weights=p.normal((width, 3), p.dtype))(x)


def normalization(p: Program) -> Any:
    x = image(p, p.integer(1, 2), [3])
    kind = p.integer(0, 2)
    if kind == 0:
        if FREE in x.shape:
            raise NothingFitsError
        return LayerNormalization(initial_scale=1.5, initial_bias=0.25, epsilon=0.01)(x)
    if kind == 1:
        return Stabilizer(steepness=p.one([1, 4, 8]))(x)
    return BatchNormalization(map_rank=1, init_scale=2, epsilon=0.1, use_cntk_engine=p.chance(0.5))(x)


def delays(p: Program) -> Any:
    x = p.sequence(p.shape(1, 2), p.steps, dtype=p.dtype)
    if p.chance(0.5):
        return Delay(p.integer(-3, 3), initial_state=p.one([0, 0.5]))(x)
    made = PastValueWindow(p.integer(1, 3), axis=p.one([-1, 0, -2]), go_backwards=p.chance(0.5))(x)
    return [cntk.combine([output]) for output in made.outputs]


def recurrent_unit(p: Program) -> Any:
    x = p.sequence((2,), p.steps, dtype=p.dtype)
    unit = p.one([RNNStep, GRU, LSTM])
    with cntk.layers.default_options(go_backwards=p.chance(0.5), enable_self_stabilization=p.chance(0.5), initial_state=0.25):
        return Recurrence(unit(p.integer(1, 3)))(x)


def attention_window(p: Program) -> Any:
    """Attention over a fixed number of steps before or behind, its weights along a static axis."""
    x = p.sequence((2,), p.steps, dtype=p.dtype)
    state = p.sequence((3,), p.steps, dtype=p.dtype)
    return AttentionModel(3, attention_span=p.integer(2, 4), attention_axis=-3, go_backwards=p.chance(0.5))(x, state)


OPERATIONS = (
    convolution,
    convolution,
    convolution,
    several_filter_axes,
    transposed,
    transposed,
    transposed_to_a_size,
    sequential,
    sequential,
    pooling,
    pooling,
    unpooling,
    dense,
    dense,
    embedding,
    normalization,
    delays,
    recurrent_unit,
    attention_window,
)


def build(p: Program) -> Case:
    """One to three layers, each on an input of its own."""
    p.dtype = p.one([np.float32, np.float32, np.float32, np.float64])
    p.steps = [p.integer(3, 6) for _ in range(p.samples)]
    with cntk.layers.default_options(dtype=p.dtype):
        p.grow(OPERATIONS, p.integer(1, 3))
    made = p.finish()
    fill_parameters(made.model, p.integer(0, 1 << 30))
    fill_running_statistics(made.model, p.integer(0, 1 << 30))
    return made
