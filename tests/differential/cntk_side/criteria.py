"""Losses and metrics, for each sample or step and over all of them."""

from typing import Any

import cntk
import numpy as np
from recorder.case import Case

from cntk_side.program import Program

NATIVE = cntk.cntk_py


def one_hot(p: Program, shape: Any) -> np.ndarray:
    found = np.zeros(shape, p.usual)
    flat = found.reshape(-1, shape[-1])
    flat[np.arange(len(flat)), p.random.randint(0, shape[-1], len(flat))] = 1
    return found


def pair(p: Program, classes: int, hard: bool) -> Any:
    """A prediction and a label over the same axes."""
    make = (lambda shape: one_hot(p, shape)) if hard else (lambda shape: p.random.uniform(0.01, 0.99, shape).astype(p.usual))
    shape = (classes,)
    if p.chance(0.35):
        lengths = p.steps
        labels = [make((length, *shape)) for length in lengths]
        return p.sequence(shape, lengths), p.sequence(shape, lengths, values=labels)
    return p.batch(shape), p.batch(shape, values=make((p.samples, *shape)))


def classification(p: Program) -> Any:
    z, y = pair(p, p.integer(1, 5), hard=p.chance(0.7))
    kind = p.integer(0, 3)
    if kind == 0:
        return cntk.cross_entropy_with_softmax(z, y, axis=p.one([-1, 0]))
    if kind == 1:
        return cntk.classification_error(z, y, axis=p.one([-1, 0]))
    if kind == 2:
        return cntk.classification_error(z, y, topN=p.integer(1, max(1, z.shape[0] - 1)))
    return cntk.reduce_mean(cntk.cross_entropy_with_softmax(z, y), axis=cntk.Axis.all_axes())


def matrix_classification(p: Program) -> Any:
    shape = (p.integer(1, 3), p.integer(2, 4))
    z, y = p.batch(shape), p.batch(shape, values=one_hot(p, (p.samples, *shape)))
    return p.one([cntk.cross_entropy_with_softmax, cntk.classification_error])(z, y, axis=p.one([-1, 0, 1]))


def regression(p: Program) -> Any:
    x, y = pair(p, p.integer(1, 4), hard=False)
    kind = p.integer(0, 4)
    if kind == 0:
        return cntk.squared_error(x, y)
    if kind == 1:
        return cntk.binary_cross_entropy(cntk.sigmoid(x), y)
    if kind == 2:
        return cntk.weighted_binary_cross_entropy(cntk.sigmoid(x), y, cntk.constant(np.abs(p.normal(x.shape))))
    if kind == 3:
        return cntk.cosine_distance(x, y)
    return cntk.losses.fmeasure(cntk.sigmoid(x), cntk.greater(y, 0.5))


def negative_samples(p: Program) -> Any:
    shape = (p.integer(1, 4),)
    return cntk.cosine_distance_with_negative_samples(p.batch(shape), p.batch(shape), p.integer(1, 3), p.integer(1, 3))


def edit_distance(p: Program) -> Any:
    classes = p.integer(2, 4)
    lengths, others = p.steps, p.lengths()
    left = p.sequence((classes,), lengths, values=[one_hot(p, (length, classes)) for length in lengths])
    axis = None if p.chance(0.5) else cntk.Axis("labels")
    others = lengths if axis is None else others
    right = p.sequence((classes,), others, axis, values=[one_hot(p, (length, classes)) for length in others])
    penalties = [p.integer(1, 2) for _ in range(3)]
    ignored = [p.integer(0, classes - 1)] if p.chance(0.3) else []
    return cntk.edit_distance_error(left, right, *penalties, squashInputs=p.chance(0.5), tokensToIgnore=ignored)


def ranking(p: Program) -> Any:
    count = p.integer(1, 3)
    gains = np.sort(p.random.randint(0, 4, (p.samples * count, 1)).astype(p.usual), axis=0)[::-1]
    groups = np.repeat(np.arange(p.samples), count)[:, None].astype(p.usual)
    axes = [cntk.Axis.default_batch_axis()]
    made = []
    for values in (p.normal((len(gains), 1)), np.ascontiguousarray(gains), groups):
        variable = cntk.input_variable((1,), p.usual, dynamic_axes=axes, name="i%d" % len(p.feed))
        p.feed[variable] = values
        made.append(variable)
    return p.one([cntk.losses.lambda_rank, cntk.metrics.ndcg_at_1])(*made)


OPERATIONS = (
    classification,
    classification,
    classification,
    matrix_classification,
    regression,
    regression,
    negative_samples,
    edit_distance,
)


def build(p: Program) -> Case:
    """One to three criteria of inputs of their own, or a ranking."""
    p.usual = p.one([np.float32, np.float32, np.float64])
    p.steps = p.lengths()
    p.grow((ranking,) if p.chance(0.1) else OPERATIONS, p.integer(1, 3))
    return p.finish()
