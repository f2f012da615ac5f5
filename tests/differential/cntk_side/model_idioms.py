"""Networks as people build them, without recurrences: towers, mixtures, gated channels, scores of pairs, images into images."""

from typing import Any

import cntk
import numpy as np
from cntk.layers import (
    AveragePooling,
    BatchNormalization,
    Convolution2D,
    ConvolutionTranspose2D,
    Dense,
    Dropout,
    Embedding,
    GlobalAveragePooling,
    LayerNormalization,
    MaxPooling,
    MaxUnpooling,
    ResNetBlock,
    Sequential,
)
from recorder.case import Case
from recorder.parameters import fill_parameters, fill_running_statistics

from cntk_side.program import FREE, Program


def image(p: Program, channels: int, least: int = 6) -> Any:
    """Of a fixed size, a free one, or one per step of a sequence."""
    size = (p.integer(least, 8), p.integer(least, 8))
    if p.chance(0.2):
        size = (FREE, FREE)
    elif p.chance(0.2):
        return p.sequence((channels, *size), p.steps, dtype=p.dtype)
    return p.batch((channels, *size), p.dtype)


def inception(p: Program) -> Any:
    """Branches of several windows, joined along the channels."""
    x = image(p, p.integer(1, 3))
    branches = [
        Convolution2D((1, 1), 2, activation=cntk.relu, pad=True)(x),
        Convolution2D((p.one([3, 5]), 3), 2, activation=cntk.tanh, pad=True)(x),
        Convolution2D((1, 1), 1, pad=True)(p.one([MaxPooling, AveragePooling])((3, 3), 1, pad=True)(x)),
    ]
    return cntk.splice(*branches, axis=p.one([0, -3]))


def dense_blocks(p: Program) -> Any:
    value = image(p, 2)
    for _ in range(p.integer(1, 3)):
        grown = Sequential([BatchNormalization(map_rank=1), cntk.relu, Convolution2D((3, 3), 2, pad=True, bias=False)])(value)
        value = cntk.splice(value, grown, axis=0)
    return GlobalAveragePooling()(value) if p.chance(0.5) else value


def squeezed_channels(p: Program) -> Any:
    """A gate per channel, of the mean over the image."""
    x = Convolution2D((3, 3), 4, pad=True, activation=cntk.relu)(image(p, 2))
    means = GlobalAveragePooling()(x) if p.chance(0.5) else cntk.reduce_mean(x, axis=(1, 2))
    gate = Sequential([Dense(2, activation=cntk.relu), Dense((4, 1, 1), activation=cntk.sigmoid)])(means)
    return x * gate


def separable(p: Program) -> Any:
    """One filter per channel, then a product over channels; shuffled, now and then."""
    channels = p.integer(2, 4)
    x = p.batch((channels, 7, 7), p.dtype)
    filters = p.parameter((channels, 1, 3, 3), p.dtype)
    value = cntk.convolution(filters, x, auto_padding=[False, True, True], groups=channels)
    value = Convolution2D((1, 1), 4)(value)
    if p.chance(0.5):
        parts = cntk.transpose(cntk.reshape(value, (2, 2, 7, 7)), (1, 0, 2, 3))
        value = cntk.reshape(parts, (4, 7, 7))
    return value


def image_to_image(p: Program) -> Any:
    """Down and up again, with what was left on the way joined in."""
    x = p.batch((2, 8, 8), p.dtype)
    left = Convolution2D((3, 3), 3, pad=True, activation=cntk.relu)(x)
    down = MaxPooling((2, 2), 2)(left)
    middle = Convolution2D((3, 3), 4, pad=True, activation=cntk.tanh)(down)
    kind = p.integer(0, 2)
    if kind == 0:
        up = ConvolutionTranspose2D((2, 2), 3, strides=2, pad=False)(middle)
    elif kind == 1:
        up = cntk.depth_to_space(middle, 2)
    else:
        up = MaxUnpooling((2, 2), 2)(cntk.relu(Convolution2D((1, 1), 3)(middle)), left)
    return Convolution2D((1, 1), 1, activation=cntk.sigmoid)(cntk.splice(up, left, axis=0))


def generator(p: Program) -> Any:
    """Noise, given from outside, into an image."""
    z = p.batch((p.integer(2, 4),), p.dtype)
    value = BatchNormalization()(Dense((3, 3, 3), activation=cntk.relu)(z))
    value = ConvolutionTranspose2D((3, 3), 2, strides=2, pad=p.chance(0.5), output_shape=None)(value)
    return cntk.tanh(BatchNormalization(map_rank=1)(value))


def regions(p: Program) -> Any:
    """Features of regions of an image, each through the same dense layer."""
    x = Convolution2D((3, 3), 3, pad=True, activation=cntk.relu)(p.batch((2, 8, 8), p.dtype))
    starts = p.random.uniform(0, 4, (p.samples, 3, 2))
    boxes = p.batch_of(np.concatenate([starts, starts + p.random.uniform(1, 4, starts.shape)], 2).astype(p.dtype))
    pooled = cntk.roipooling(x, boxes, cntk.MAX_POOLING, (2, 2), spatial_scale=1.0)
    hidden = Dense(4, map_rank=1, activation=cntk.relu)(pooled)
    return [Dense(3, map_rank=1)(hidden), cntk.softmax(Dense(3, map_rank=1)(hidden), axis=-1)]


def pair_of_towers(p: Program) -> Any:
    """Two inputs through the same layers, and how near they are."""
    tower = Sequential([Dense(4, activation=cntk.tanh), Dropout(0.2), Dense(3)])
    left, right = tower(p.batch((3,), p.dtype)), tower(p.batch((3,), p.dtype))
    kind = p.integer(0, 3)
    if kind == 0:
        return cntk.cosine_distance(left, right)
    if kind == 1:
        return cntk.cosine_distance_with_negative_samples(left, right, 1, p.integer(1, 3))
    if kind == 2:
        return cntk.sqrt(cntk.reduce_sum(cntk.square(left - right), axis=0))
    return cntk.times_transpose(left, right)


def bag_of_words(p: Program) -> Any:
    """Rows of a table summed, averaged or maximised along the sequence."""
    x = p.sequence((4,), p.steps, dtype=p.dtype)
    rows = Embedding(3)(x)
    collected = p.one([cntk.sequence.reduce_sum, cntk.sequence.reduce_max, cntk.sequence.last])(rows)
    if p.chance(0.4):
        ones = cntk.ones_like(cntk.slice(x, 0, 0, 1))
        collected = cntk.sequence.reduce_sum(rows) / cntk.sequence.reduce_sum(ones)
    return Dense(2, activation=p.one([None, cntk.softmax]))(collected)


def mixture(p: Program) -> Any:
    """Weights, means and widths out of one vector."""
    count = p.integer(2, 3)
    z = Dense(3 * count)(p.batch((3,), p.dtype))
    weights = cntk.softmax(z[0:count])
    means, widths = z[count : 2 * count], cntk.exp(z[2 * count :])
    target = p.batch((1,), p.dtype)
    density = cntk.exp(-0.5 * cntk.square((target - means) / widths)) / widths
    return [cntk.reduce_sum(weights * means), -cntk.log(cntk.reduce_sum(weights * density))]


def experts(p: Program) -> Any:
    """Several layers, weighted by a gate; or the best of several."""
    x = p.batch((3,), p.dtype)
    made = cntk.splice(*(Dense(4, activation=cntk.tanh)(x) for _ in range(3)), axis=-2)
    if p.chance(0.4):
        return cntk.reduce_max(made, axis=0)
    gate = cntk.softmax(Dense(3)(x))
    return cntk.reduce_sum(made * cntk.reshape(gate, (3, 1)), axis=0)


def interactions(p: Program) -> Any:
    """Products of pairs of features, by squares of sums, by a tensor or between vectors of a sample."""
    x = p.batch((4,), p.dtype)
    kind = p.integer(0, 3)
    if kind == 0:
        factors = p.parameter((4, 3), p.dtype)
        return 0.5 * cntk.reduce_sum(cntk.square(cntk.times(x, factors)) - cntk.times(cntk.square(x), cntk.square(factors)))
    other = p.batch((3,), p.dtype)
    if kind == 1:
        half = cntk.times(x, p.parameter((4, 3, 2), p.dtype), output_rank=2)
        return cntk.times(other, half)
    if kind == 2:
        return cntk.reshape(cntk.reshape(x, (4, 1)) * cntk.reshape(other, (1, 3)), (12,))
    return Dense(2)(cntk.splice(x, other, x[0:1] * other))


def gated(p: Program) -> Any:
    """Layers that let part of their input through."""
    x = p.batch((4,), p.dtype)
    kind = p.integer(0, 3)
    if kind == 0:
        gate = Dense(4, activation=cntk.sigmoid, init_bias=-1)(x)
        return gate * Dense(4, activation=cntk.relu)(x) + (1 - gate) * x
    if kind == 1:
        return cntk.element_max(*(Dense(3)(x) for _ in range(2)))
    if kind == 2:
        return ResNetBlock(Sequential([LayerNormalization(), Dense(4, activation=cntk.selu), Dense(4)]))(x)
    return Dense(4)(x) * cntk.sigmoid(Dense(4)(x)) + cntk.stop_gradient(x)


def capsules(p: Program) -> Any:
    """Votes that agree gain weight, a few times over."""
    votes = p.batch((3, 2, 4), p.dtype)
    logits, made = cntk.constant(np.zeros((3, 2, 1), p.dtype), dtype=p.dtype), None
    for _ in range(p.integer(1, 3)):
        made = cntk.reduce_sum(cntk.softmax(logits, axis=1) * votes, axis=0)
        length = cntk.reduce_sum(cntk.square(made), axis=-1)
        made = made * length / (1 + length) / cntk.sqrt(length + 1e-6)
        logits = logits + cntk.reduce_sum(votes * made, axis=-1)
    return [made, cntk.sqrt(cntk.reduce_sum(cntk.square(made), axis=-1, keepdims=False))]


def values_of_actions(p: Program) -> Any:
    """A value and advantages without their mean; the best action, and the value of one that is given."""
    hidden = Dense(4, activation=cntk.relu)(p.batch((3,), p.dtype))
    advantage = Dense(3)(hidden)
    z = Dense(1)(hidden) + advantage - cntk.reduce_mean(advantage)
    chosen = p.batch_of(np.eye(3, dtype=p.dtype)[p.random.randint(0, 3, p.samples)])
    return [z, cntk.argmax(z, axis=0), cntk.reduce_sum(z * chosen, axis=0), cntk.log_softmax(z)]


def classes_of_classes(p: Program) -> Any:
    """A tree of classes above the labels."""
    target = np.eye(6, dtype=np.float32)[p.random.randint(0, 6, p.samples)]
    x, index = p.batch((3,)), p.batch_of(target.argmax(1)[:, None].astype(np.float32))
    made = cntk.losses.hierarchical_softmax_layer(x, index, 6)
    return list(made[:2]) + list(made[2][:1])


def table_of_pieces(p: Program) -> Any:
    """An image as a sequence of its rows, or of pieces."""
    x = p.batch((4, 3, 2), p.dtype)
    if p.chance(0.5):
        x = cntk.transpose(x, (1, 0, 2))
    rows = cntk.to_sequence(x)
    scores = Dense(1)(rows)
    return [cntk.sequence.reduce_sum(cntk.sequence.softmax(scores) * Dense(3)(rows)), cntk.sequence.last(rows)]


def statistics(p: Program) -> Any:
    """Against the mean and the spread of the whole batch, or of every sample."""
    x = p.batch((3, 2), p.dtype)
    if p.chance(0.5):
        mean = cntk.reduce_mean(x, axis=cntk.Axis.default_batch_axis())
        return x - mean
    return (x - cntk.reduce_mean(x, axis=[0, 1])) / (cntk.reduce_max(x, axis=[0, 1]) - cntk.reduce_min(x, axis=[0, 1]) + 1)


OPERATIONS = (
    inception,
    dense_blocks,
    squeezed_channels,
    separable,
    image_to_image,
    generator,
    regions,
    pair_of_towers,
    bag_of_words,
    mixture,
    experts,
    interactions,
    gated,
    capsules,
    values_of_actions,
    classes_of_classes,
    table_of_pieces,
    statistics,
)


def build(p: Program) -> Case:
    """One or two of them, each on inputs of its own."""
    p.dtype = p.one([np.float32, np.float32, np.float32, np.float64])
    p.steps = p.lengths()
    with cntk.layers.default_options(dtype=p.dtype):
        p.grow(OPERATIONS, p.integer(1, 2))
    made = p.finish()
    fill_parameters(made.model, p.integer(0, 1 << 30))
    fill_running_statistics(made.model, p.integer(0, 1 << 30))
    return made
