"""Reductions, softmax along an axis and normalisations."""

from typing import Any

import cntk
import numpy as np
from cntk.layers import BatchNormalization, LayerNormalization, Stabilizer
from recorder.case import Case
from recorder.parameters import fill_parameters, fill_running_statistics

from cntk_side.program import Program

REDUCTIONS = [
    cntk.reduce_sum,
    cntk.reduce_mean,
    cntk.reduce_max,
    cntk.reduce_min,
    cntk.reduce_prod,
    cntk.reduce_log_sum_exp,
    cntk.reduce_l1,
    cntk.reduce_l2,
    cntk.reduce_sum_square,
]


def value(p: Program, least: int = 0) -> Any:
    """An input of any kind of axes."""
    dtype = p.dtype
    shape = p.shape(least, 4, free=0.1 if p.chance(0.3) else 0.0)
    kind = p.integer(0, 5)
    if kind == 0:
        return p.static(shape, dtype)
    return p.sequence(shape, p.steps, None, dtype) if kind == 1 else p.batch(shape, dtype)


def axis_of(p: Program, x: Any) -> Any:
    """One axis, several, or a kind of axes."""
    rank = len(x.shape)
    kind = p.integer(0, 7)
    if kind < 4 and rank:
        return p.integer(-rank, rank - 1)
    if kind < 6 and rank:
        chosen = sorted(int(axis) for axis in p.random.choice(rank, p.integer(1, rank), replace=False))
        return chosen if p.chance(0.7) else [axis - rank for axis in chosen]
    return p.one([None, cntk.Axis.all_static_axes(), cntk.Axis.all_axes(), cntk.Axis.default_batch_axis()])


def reduce(p: Program) -> Any:
    x = value(p)
    return p.one(REDUCTIONS)(x, axis=axis_of(p, x), keepdims=p.chance(0.6))


def position(p: Program) -> Any:
    x = value(p)
    return p.one([cntk.argmax, cntk.argmin])(x, axis=p.one([None, p.integer(-len(x.shape), max(len(x.shape) - 1, 0))]))


def softmax(p: Program) -> Any:
    x = value(p, 1)
    if p.chance(0.3):
        return p.one([cntk.softmax, cntk.hardmax, cntk.log_softmax])(x)
    return p.one([cntk.softmax, cntk.log_softmax])(x, axis=p.integer(-len(x.shape), len(x.shape) - 1))


def mean_variance(p: Program) -> Any:
    options = {"use_stats_across_channels": p.chance(0.5), "do_variance_scaling": p.chance(0.7)}
    return cntk.mean_variance_normalization(value(p, 1), epsilon=p.one([1e-5, 0.1]), **options)


def layer_normalization(p: Program) -> Any:
    x = value(p, 1)
    with cntk.default_options(dtype=x.dtype):
        return LayerNormalization(epsilon=p.one([1e-5, 0.01]))(x)


def batch_normalization(p: Program) -> Any:
    x = value(p, 1)
    with cntk.default_options(dtype=x.dtype):
        made = BatchNormalization(map_rank=1 if p.chance(0.6) else None, epsilon=p.one([1e-5, 0.01]))(x)
    return fill_running_statistics(made, p.integer(0, 1 << 30))


def response_normalization(p: Program) -> Any:
    x = p.batch((p.integer(1, 6), p.integer(1, 3), p.integer(1, 3)), p.dtype)
    return cntk.local_response_normalization(x, p.integer(0, 3), p.one([1.0, 2.0]), p.one([1e-2, 1.0]), p.one([0.5, 0.75]))


def stabilizer(p: Program) -> Any:
    x = value(p)
    with cntk.default_options(dtype=x.dtype):
        return Stabilizer(steepness=p.one([4, 1]))(x)


def scaled(p: Program) -> Any:
    kind = p.integer(0, 1)
    if kind:
        x = p.batch((3, p.integer(1, 3), p.integer(1, 3)), p.dtype)
        return cntk.image_scaler(x, 0.5, [0.1, -0.2, 0.3])
    x = p.batch(p.shape(1, 2), p.dtype)
    return cntk.per_dim_mean_variance_normalize(x, p.normal(x.shape, p.dtype), np.abs(p.normal(x.shape, p.dtype)))


OPERATIONS = (
    reduce,
    reduce,
    reduce,
    reduce,
    position,
    softmax,
    softmax,
    mean_variance,
    layer_normalization,
    batch_normalization,
    response_normalization,
    stabilizer,
    scaled,
)


def build(p: Program) -> Case:
    """One to three of them, each on an input of its own."""
    p.steps = p.lengths()
    p.grow(OPERATIONS, p.integer(1, 3))
    made = p.finish()
    fill_parameters(made.model, p.integer(0, 1 << 30))
    return made
