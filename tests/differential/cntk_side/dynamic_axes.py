"""Programs over sequence axes: several of them, ragged, made and dropped, delayed and reduced."""

from typing import Any

import cntk
import numpy as np
from recorder.case import Case

from cntk_side.program import Program

UNARY = (cntk.tanh, cntk.negate, cntk.sigmoid, cntk.exp, cntk.square, cntk.softplus, cntk.relu, cntk.cos)
BINARY = (cntk.plus, cntk.minus, cntk.element_times, cntk.element_max, cntk.element_min, cntk.log_add_exp)
REDUCTIONS = (cntk.reduce_sum, cntk.reduce_mean, cntk.reduce_max, cntk.reduce_min, cntk.reduce_log_sum_exp, cntk.reduce_prod)


def unary(p: Program) -> Any:
    return p.one(UNARY)(cntk.clip(p.operand(), -4, 4))


def binary(p: Program) -> Any:
    left = p.operand()
    if p.chance(0.2):
        return p.one(BINARY)(left, p.parameter(p.shape(0, 2)))
    right = p.operand(lambda value: value.dynamic_axes == left.dynamic_axes or len(value.dynamic_axes) < 2)
    return p.one(BINARY)(*((left, right) if p.chance(0.5) else (right, left)))


def slice_steps(p: Program) -> Any:
    begin, end = p.one([(0, 1), (0, 2), (-1, 0), (-2, 0), (0, -1), (1, 0), (-3, -1), (0, 3), (1, 2), (-2, -1), (2, 3), (0, 0)])
    return cntk.sequence.slice(p.over_sequence(), begin, end)


def first_or_last(p: Program) -> Any:
    return p.one([cntk.sequence.first, cntk.sequence.last])(p.over_sequence())


def edge_flag(p: Program) -> Any:
    return p.one([cntk.sequence.is_first, cntk.sequence.is_last])(p.over_sequence())


def delay(p: Program) -> Any:
    x = p.over_sequence()
    shape = tuple(x.shape)
    state = p.one(["none", "number", "tensor", "batch", "like", "parameter"])
    initial = None  # type: Any
    if state == "number":
        initial = float(p.normal(())[()])
    elif state == "tensor":
        initial = p.constant(shape if p.chance(0.7) else (1,))
    elif state == "parameter":
        initial = p.parameter(shape)
    elif state == "batch":
        initial = p.operand(lambda v: len(v.dynamic_axes) == 1 and tuple(v.shape) == shape)
    elif state == "like":
        initial = p.operand(lambda v: len(v.dynamic_axes) == 2 and tuple(v.shape) == shape)
    return p.one([cntk.sequence.past_value, cntk.sequence.future_value])(x, initial, p.one([1, 1, 1, 2, 3, 7]))


def condition_for(p: Program, x: Any) -> Any:
    """A condition on the axis of `x`: an input of zeros and ones, or what tells the edges."""
    kind = p.integer(0, 4)
    if kind == 0:
        return cntk.sequence.is_first(x)
    if kind == 1:
        return cntk.sequence.is_last(x)
    if kind == 2:
        return 1 - cntk.sequence.is_first(x)
    if kind == 3:
        return cntk.greater(cntk.reduce_sum(x), -0.5)
    return p.operand(lambda value: getattr(value, "name", "").startswith("condition") and value.dynamic_axes == x.dynamic_axes)


def gather(p: Program) -> Any:
    x = p.over_sequence()
    return cntk.sequence.gather(x, condition_for(p, x))


def where(p: Program) -> Any:
    return cntk.sequence.where(condition_for(p, p.over_sequence()))


def scatter(p: Program) -> Any:
    x = p.over_sequence()
    condition = condition_for(p, x)
    return cntk.sequence.scatter(p.one(UNARY)(cntk.sequence.gather(x, condition)), condition)


def broadcast(p: Program) -> Any:
    value = p.operand(lambda v: len(v.dynamic_axes) < 2) if p.chance(0.8) else p.operand()
    return cntk.sequence.broadcast_as(value, p.over_sequence())


def reduce_steps(p: Program) -> Any:
    return p.one([cntk.sequence.reduce_sum, cntk.sequence.reduce_max])(p.over_sequence())


def reduce_sequence_axis(p: Program) -> Any:
    return p.one(REDUCTIONS)(p.over_sequence(), axis=cntk.Axis.default_dynamic_axis() if p.chance(0.3) else None)


def softmax_steps(p: Program) -> Any:
    return cntk.sequence.softmax(p.over_sequence())


def reduce_everything(p: Program) -> Any:
    axis = p.one([cntk.Axis.all_axes(), cntk.Axis.default_batch_axis(), cntk.Axis.all_static_axes(), None, -1, 0])
    return p.one(REDUCTIONS)(cntk.clip(p.operand(), -2, 2), axis=axis, keepdims=p.chance(0.5))


def unpack(p: Program) -> Any:
    """With a mask, both outputs; the padding shows, but every operator on it that keeps to a step is well defined."""
    padding = p.one([0, 0, -1.5, 9])
    if p.chance(0.5):
        return cntk.sequence.unpack(p.over_sequence(), padding, no_mask_output=True)
    return list(cntk.sequence.unpack(p.over_sequence(), padding).outputs)


def unpack_and_back(p: Program) -> Any:
    x = p.operand(lambda value: len(value.dynamic_axes) == 2 and len(value.shape) > 0)
    unpacked = cntk.sequence.unpack(x, 0, no_mask_output=True)
    return cntk.to_sequence_like(p.one(UNARY)(unpacked), x)


def to_sequence(p: Program) -> Any:
    """With lengths, the longest of which fills the axis: CNTK gets others wrong."""
    x = p.operand(lambda value: len(value.dynamic_axes) == 1 and len(value.shape) > 1)
    if p.chance(0.4) or x.shape[0] < 1:
        return cntk.to_sequence(x)
    lengths = np.array([p.integer(1, x.shape[0]) for _ in range(p.samples)], p.usual)
    lengths[p.random.randint(p.samples)] = x.shape[0]
    return cntk.to_sequence(x, p.batch((), values=lengths))


def times_parameter(p: Program) -> Any:
    x = p.operand()
    return cntk.times(x, p.parameter((x.shape[-1], p.integer(1, 3))))


def times_steps(p: Program) -> Any:
    """The product along the sequence axis, of which CNTK knows one form."""
    x = p.operand(lambda v: len(v.dynamic_axes) == 2 and len(v.shape) == 1)
    weights = cntk.reduce_sum(x) if p.chance(0.5) else cntk.sequence.softmax(cntk.reduce_sum(x, axis=-1))
    return cntk.times(cntk.reshape(weights, (1,)), x, infer_input_rank_to_map=-2)


def splice(p: Program) -> Any:
    left = p.operand()
    right = p.operand(lambda value: value.dynamic_axes == left.dynamic_axes)
    return cntk.splice(left, right, axis=p.one([-1, 0]))


def select(p: Program) -> Any:
    x = p.over_sequence()
    return cntk.element_select(condition_for(p, x), x, p.operand(lambda value: value.dynamic_axes == x.dynamic_axes))


OPERATIONS = [
    unary,
    binary,
    slice_steps,
    first_or_last,
    edge_flag,
    delay,
    delay,
    gather,
    where,
    scatter,
    broadcast,
    broadcast,
    reduce_steps,
    reduce_sequence_axis,
    softmax_steps,
    reduce_everything,
    unpack,
    unpack_and_back,
    to_sequence,
    times_parameter,
    times_steps,
    splice,
    select,
]


def condition_input(p: Program, lengths: Any, axis: Any) -> None:
    values = [(p.random.uniform(size=length) < 0.5).astype(p.usual) for length in lengths]
    for row in values:
        row[p.random.randint(len(row))] = 1
    if p.chance(0.2):
        values = [row * p.usual(p.one([1, 2, 0.5])) for row in values]
    axes = [cntk.Axis.default_batch_axis(), axis]
    variable = cntk.input_variable((), p.usual, dynamic_axes=axes, name="condition%d" % len(p.feed))
    p.feed[variable] = values
    p.pool.append(variable)


def build(p: Program) -> Case:
    """Some inputs over one to three axes, and two to eight operators."""
    p.usual = p.one([np.float32, np.float32, np.float64])
    axes = [cntk.Axis.default_dynamic_axis(), cntk.Axis("enc"), cntk.Axis("dec")][: p.one([1, 1, 1, 2, 2, 3])]
    if p.chance(0.3):
        axes.reverse()
    shapes = [p.shape(0, 2), p.shape(1, 1)]
    for axis in axes:
        lengths = p.lengths()
        for _ in range(p.integer(1, 2)):
            p.sequence(p.one(shapes), lengths, axis)
        if p.chance(0.4):
            condition_input(p, lengths, axis)
    for _ in range(p.integer(0, 2)):
        p.batch(p.one(shapes))
    if p.chance(0.2):
        p.static(p.one(shapes))
    p.grow(OPERATIONS, p.one([p.integer(1, 7), p.integer(6, 14)]))
    return p.finish()
