"""What the layers library and users build along sequence axes: windows, convolutions, lookups, comparisons of steps."""

from typing import Any

import cntk
import numpy as np
from cntk.layers import (
    GRU,
    BatchNormalization,
    Convolution1D,
    Delay,
    Dense,
    Fold,
    PastValueWindow,
    Recurrence,
    SequentialConvolution,
)
from recorder.case import Case
from recorder.parameters import fill_parameters, fill_running_statistics

from cntk_side.program import Program

POSITIONS = (cntk.argmax, cntk.argmin)


def steps_of(p: Program, shape: Any) -> Any:
    return p.sequence(shape, p.steps)


def delay_layer(p: Program) -> Any:
    return Delay(p.one([1, 2, -1, -2, 0]), initial_state=p.one([0, 0.5]))(steps_of(p, p.shape(0, 2)))


def window(p: Program) -> Any:
    made = PastValueWindow(p.integer(1, 4), axis=p.one([-1, 0]), go_backwards=p.chance(0.3))(steps_of(p, (p.integer(1, 3),)))
    return [cntk.combine([output]) for output in made.outputs]


def convolution(p: Program) -> Any:
    layer = p.one([SequentialConvolution, lambda *given, **options: Convolution1D(*given[1:], **options)])
    options = {"pad": p.chance(0.6), "activation": p.one([None, cntk.relu, cntk.tanh])}
    if layer is SequentialConvolution:
        size, rank = p.integer(1, 3), p.integer(0, 1)
        options["reduction_rank"] = rank
        return layer(size, p.one([(), 2, 3]) if rank else 2, strides=p.integer(1, 2), **options)(
            steps_of(p, (3,) if rank else ())
        )
    return layer(None, p.integer(1, 3), 2, **options)(steps_of(p, (2, 5)))


def lookup(p: Program) -> Any:
    """A table read by numbers that vary from step to step."""
    count = p.integer(2, 5)
    values = [p.random.randint(0, count, length).astype(p.usual) for length in p.steps]
    index = p.sequence((), p.steps, values=values)
    if p.chance(0.5):
        return cntk.gather(p.parameter((count, *p.shape(0, 2))), index)
    return cntk.one_hot(index, count)


def choice(p: Program) -> Any:
    """The position of the greatest element, or the greatest few, at each step."""
    x = steps_of(p, (p.integer(2, 4), 3))
    if p.chance(0.5):
        return p.one(POSITIONS)(x, axis=p.integer(-2, 1))
    return list(cntk.top_k(x, p.integer(1, 3)).outputs)


def attention_by_hand(p: Program) -> Any:
    """Scores of each step against a query, a softmax along the sequence, and the weighted sum."""
    x = steps_of(p, (3,))
    query = p.batch((3,)) if p.chance(0.5) else cntk.sequence.last(x)
    scores = cntk.reduce_sum(x * cntk.sequence.broadcast_as(query, x), axis=0)
    return cntk.sequence.reduce_sum(x * cntk.sequence.softmax(scores))


def self_attention(p: Program) -> Any:
    """Every step against all others, through an unpacked axis and its mask."""
    x = steps_of(p, (2,))
    unpacked, mask = cntk.sequence.unpack(x, 0).outputs
    keys = cntk.sequence.broadcast_as(unpacked, x)
    scores = cntk.reduce_sum(keys * x, axis=1, keepdims=False)
    masked = cntk.element_select(cntk.sequence.broadcast_as(mask, x), scores, cntk.constant(-1e30, dtype=p.usual))
    weights = cntk.softmax(masked, axis=0)
    return cntk.reduce_sum(keys * cntk.reshape(weights, (-1, 1)), axis=0, keepdims=False)


def running(p: Program) -> Any:
    """Sums, maxima and counts so far, from either end; and the length of the sequence."""
    x = steps_of(p, p.shape(0, 1))
    kind = p.integer(0, 2)
    if kind == 0:
        return Recurrence(lambda state, value: state + value, go_backwards=p.chance(0.5))(x)
    ones = cntk.ones_like(cntk.reduce_sum(x))
    if kind == 1:
        return Recurrence(lambda state, value: state + value)(ones)
    return cntk.sequence.reduce_sum(x) / cntk.sequence.broadcast_as(cntk.sequence.reduce_sum(ones), cntk.sequence.last(x))


def changes(p: Program) -> Any:
    """Steps that differ from the one before, gathered and put back."""
    values = [p.random.randint(0, 2, length).astype(p.usual) for length in p.steps]
    x = p.sequence((), p.steps, values=values)
    changed = cntk.element_or(cntk.not_equal(x, cntk.sequence.past_value(x)), cntk.sequence.is_first(x))
    other = steps_of(p, (2,))
    gathered = cntk.sequence.gather(other, changed)
    return gathered if p.chance(0.4) else cntk.sequence.scatter(gathered * 2, changed)


def normalized(p: Program) -> Any:
    x = steps_of(p, (2, 3))
    return fill_running_statistics(BatchNormalization(map_rank=p.one([1, None]))(x), p.integer(0, 1 << 30))


def summary_of_several(p: Program) -> Any:
    """A sequence beside the summary of another one, which runs along an axis of its own."""
    x, other = steps_of(p, (2,)), p.sequence((3,), p.lengths(), cntk.Axis("other%d" % len(p.feed)))
    summary = p.one([Fold(GRU(2)), cntk.sequence.reduce_max, cntk.sequence.last, cntk.sequence.reduce_sum])(other)
    return Recurrence(GRU(2))(cntk.splice(x, cntk.sequence.broadcast_as(Dense(2)(summary), x)))


def reversed_steps(p: Program) -> Any:
    """A delay whose first steps are the last ones of another delay."""
    x = steps_of(p, (1,))
    start = cntk.sequence.last(x) if p.chance(0.5) else x
    return cntk.sequence.past_value(cntk.sequence.future_value(x, start, 1), start, 1)


OPERATIONS = (
    delay_layer,
    window,
    convolution,
    convolution,
    lookup,
    choice,
    attention_by_hand,
    self_attention,
    running,
    changes,
    normalized,
    summary_of_several,
    reversed_steps,
)


def build(p: Program) -> Case:
    """One to three of them over one batch."""
    p.steps = p.lengths()
    p.usual = p.one([np.float32, np.float32, np.float64])
    with cntk.layers.default_options(dtype=p.usual):
        p.grow(OPERATIONS, p.integer(1, 3))
    made = p.finish()
    fill_parameters(made.model, p.integer(0, 1 << 30))
    return made
