"""Sparse inputs, one-hot or with several entries, in the products and criteria that take them."""

from typing import Any

import cntk
import numpy as np
from cntk.layers import GRU, Dense, Embedding, Fold, Recurrence
from recorder.case import Case

from cntk_side.program import Program


def rows(p: Program, count: int, width: int) -> np.ndarray:
    """One-hot rows, or rows of a few weights; one without any entry now and then."""
    found = np.zeros((count, width), np.float32)
    found[np.arange(count), p.random.randint(0, width, count)] = 1
    if p.chance(0.3):
        found[p.random.uniform(size=found.shape) < 0.3] = 0.5
    if p.chance(0.2):
        found[p.random.randint(count)] = 0
    return found


def sparse_value(p: Program, width: int) -> Any:
    """A sparse input with the batch axis or over the default sequence axis."""
    long = p.chance(0.5)
    batch, default = cntk.Axis.default_batch_axis(), cntk.Axis.default_dynamic_axis()
    name = "i%d" % len(p.feed)
    variable = cntk.input_variable((width,), is_sparse=True, dynamic_axes=[batch, default] if long else [batch], name=name)
    p.feed[variable] = [rows(p, length, width) for length in p.steps] if long else rows(p, p.samples, width)
    return variable


def product(p: Program) -> Any:
    width = p.integer(2, 6)
    x = sparse_value(p, width)
    return cntk.times(x, p.parameter((width, *p.shape(1, 2))), output_rank=1) if p.chance(0.5) else Dense(3)(x)


def transposed(p: Program) -> Any:
    width = p.integer(2, 6)
    return cntk.times_transpose(sparse_value(p, width), p.parameter((p.integer(1, 4), width)))


def embedding(p: Program) -> Any:
    x = Embedding(p.integer(1, 4))(sparse_value(p, p.integer(2, 6)))
    if len(x.dynamic_axes) == 1:
        return x
    return p.one([lambda: x, lambda: Recurrence(GRU(3))(x), lambda: Fold(GRU(2))(x), lambda: cntk.sequence.last(x)])()


def shared_embedding(p: Program) -> Any:
    """Two sparse inputs through one table, or one of them through two."""
    width = p.integer(2, 5)
    table = p.parameter((width, p.integer(1, 3)))
    first = sparse_value(p, width)
    if p.chance(0.5):
        return cntk.times(first, table) - cntk.times(first, p.parameter(table.shape))
    return [cntk.times(first, table), cntk.times(sparse_value(p, width), table)]


def moved(p: Program) -> Any:
    """Sequence operators that CNTK has for sparse values, and a product after them."""
    width = p.integer(2, 5)
    x = sparse_value(p, width)
    if len(x.dynamic_axes) == 1:
        return cntk.times(cntk.alias(x), p.parameter((width, 2)))
    move = p.one([cntk.sequence.last, cntk.sequence.first, cntk.sequence.past_value, cntk.sequence.future_value])
    return cntk.times(move(x), p.parameter((width, 2)))


def loss(p: Program) -> Any:
    """A dense prediction against a sparse label."""
    width = p.integer(2, 5)
    label = sparse_value(p, width)
    long = len(label.dynamic_axes) == 2
    z = p.sequence((width,), p.steps) if long else p.batch((width,))
    return p.one([cntk.cross_entropy_with_softmax, cntk.classification_error])(z, label)


def one_hot(p: Program) -> Any:
    """Indices turned into sparse one-hot rows."""
    classes = p.integer(2, 5)
    indices = p.batch((), values=p.random.randint(0, classes, p.samples).astype(np.float32))
    return cntk.times(cntk.one_hot(indices, classes, sparse_output=True), p.parameter((classes, 3)))


OPERATIONS = (product, product, transposed, embedding, embedding, shared_embedding, moved, loss, one_hot)


def build(p: Program) -> Case:
    """One to three of them over one batch."""
    p.steps = p.lengths()
    p.grow(OPERATIONS, p.integer(1, 3))
    return p.finish()
