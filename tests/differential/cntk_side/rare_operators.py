"""Operators and forms of operators that few models hold, on values of every kind of axes."""

from typing import Any

import cntk
import numpy as np
from recorder.case import Case

from cntk_side.program import FREE, NothingFitsError, Program

NATIVE = cntk.cntk_py
REDUCTIONS = (cntk.reduce_sum, cntk.reduce_mean, cntk.reduce_max, cntk.reduce_min, cntk.reduce_log_sum_exp)


def value(p: Program, least: int = 0, most: int = 3, free: float = 0.0) -> Any:
    """An input of any kind of axes, or a value of the pool."""
    if p.chance(0.3):
        return p.operand(lambda found: least <= len(found.shape) <= most)
    shape, kind = p.shape(least, most, free), p.integer(0, 3)
    if kind == 0:
        return p.static(shape, p.dtype)
    return p.sequence(shape, p.steps, None, p.dtype) if kind == 1 else p.batch(shape, p.dtype)


def eye(p: Program) -> Any:
    """Of a matrix, or of a batch of vectors."""
    x = p.static((p.integer(1, 4), p.integer(1, 4)), p.dtype) if p.chance(0.5) else p.batch((p.integer(1, 4),), p.dtype)
    return cntk.eye_like(x, sparse_output=False) * 2


def assigned(p: Program) -> Any:
    target = p.parameter((2, 3), p.dtype)
    return cntk.assign(target, p.static((2, 3), p.dtype)) * 3


def rounded_up_and_down(p: Program) -> Any:
    x = value(p)
    return p.one([cntk.straight_through_impl, cntk.ceil, cntk.round, cntk.stop_gradient, cntk.floor])(x)


def frequencies(p: Program) -> Any:
    weights = np.abs(p.normal((p.integer(2, 5),), p.dtype)) + p.dtype(0.1)
    return cntk.random_sample_inclusion_frequency(cntk.constant(weights, dtype=p.dtype), p.integer(1, 3), True)


def product_over_leading_axes(p: Program) -> Any:
    """Products that contract several axes, keep several, or meet a weight that is computed."""
    kept, inner, made = p.shape(0, 2), p.shape(1, 2), p.shape(1, 2)
    x = p.one([p.batch, p.static])(kept + inner, p.dtype)
    weight = p.parameter(inner + made, p.dtype)
    if p.chance(0.4):
        weight = cntk.tanh(weight) * p.constant((1,), p.dtype)
    return cntk.times(x, weight, output_rank=len(made))


def computed_kernel(p: Program) -> Any:
    """A convolution whose weights come out of an expression, or out of an input without dynamic axes."""
    shape = (p.integer(1, 3), 2, p.integer(1, 3), 2)
    kernel = p.static(shape, p.dtype) if p.chance(0.4) else cntk.square(p.parameter(shape, p.dtype)) - 0.1
    x = p.batch((2, 5, p.one([5, FREE])), p.dtype)
    return cntk.convolution(kernel, x, auto_padding=[False, p.chance(0.5), p.chance(0.5)], strides=(1, p.integer(1, 2), 1))


def computed_statistics(p: Program) -> Any:
    """A normalisation whose scale and mean are expressions."""
    count = p.integer(1, 3)
    x = p.batch((count, 2), p.dtype)
    scale, bias, mean = (p.parameter((count,), p.dtype) for _ in range(3))
    variance = cntk.square(p.parameter((count,), p.dtype)) + 0.5
    return cntk.batch_normalization(x, scale * 2, bias, mean, variance, True, running_count=cntk.constant(0.0))


def several_kinds_of_axes(p: Program) -> Any:
    """A reduction of static axes, then of dynamic ones; and the position of an element in all of it."""
    x = value(p, 1)
    first = p.one(REDUCTIONS)(x, axis=p.one([0, -1, None]), keepdims=p.chance(0.5))
    kinds = [cntk.Axis.all_axes(), cntk.Axis.all_static_axes(), cntk.Axis.default_batch_axis()]
    return p.one(REDUCTIONS)(first, axis=p.one(kinds))


def chosen_rows(p: Program) -> Any:
    """Rows of a table by positions that are computed, and one-hot vectors of them."""
    x = value(p, 1, 2)
    if FREE in x.shape:
        raise NothingFitsError
    place = cntk.argmax(x, axis=p.integer(-len(x.shape), len(x.shape) - 1))
    if p.chance(0.5):
        return cntk.gather(p.parameter((4, p.integer(1, 2)), p.dtype), cntk.clip(place, 0, 3))
    return cntk.one_hot(place, 4, axis=p.one([-1, 0]))


def mixed_types(p: Program) -> Any:
    """A part of the model in another type."""
    other = np.float64 if p.dtype == np.float32 else np.float32
    x = cntk.cast(value(p, 0, 2), other)
    return cntk.cast(cntk.tanh(x) * cntk.constant(0.1, dtype=other), p.dtype) if p.chance(0.6) else cntk.reduce_sum(x)


def of_the_importer(p: Program) -> Any:
    """Blocks that CNTK's own importer of ONNX makes."""
    x = p.batch((p.integer(1, 3), p.integer(1, 3)), p.dtype)
    kind = p.integer(0, 2)
    if kind == 0:
        return NATIVE.mat_mul(x.output if isinstance(x, cntk.Function) else x, p.parameter((x.shape[-1], 2), p.dtype), "")
    if kind == 1:
        return NATIVE.unsqueeze(x, [cntk.Axis(p.integer(0, 1))], "")
    return NATIVE.reduce_log_sum(x, cntk.axis.Axis(0), p.chance(0.5), "")


def select_of_shapes(p: Program) -> Any:
    """Conditions and choices of different ranks."""
    shape = p.shape(2, 3)
    parts = [shape[p.integer(0, len(shape) - 1) :] for _ in range(3)]
    operands = [p.batch(part, p.dtype) if p.chance(0.6) else p.constant(part, p.dtype) for part in parts]
    operands[p.integer(0, 2)] = p.batch(shape, p.dtype)
    flag = cntk.greater(operands[0], 0) if p.chance(0.7) else operands[0]
    return cntk.element_select(flag, operands[1], operands[2])


def ends_of_several(p: Program) -> Any:
    """Steps of one sequence at places that another one gives."""
    x, other = p.sequence(p.shape(1, 2), p.steps, None, p.dtype), p.sequence((), p.steps, None, p.dtype)
    flag = cntk.greater(other, 0) + cntk.sequence.is_last(x) * cntk.less_equal(other, 0)
    gathered = cntk.sequence.gather(x, flag)
    kind = p.integer(0, 4)
    if kind == 0:
        return cntk.sequence.last(gathered)
    if kind == 1:
        return cntk.sequence.reduce_max(gathered)
    if kind == 2:
        return cntk.sequence.past_value(gathered, cntk.sequence.first(gathered))
    if kind == 3:
        return cntk.sequence.softmax(cntk.sequence.gather(gathered, 1 - cntk.sequence.is_first(gathered) + 1))
    return cntk.sequence.broadcast_as(cntk.sequence.reduce_sum(gathered), x) - x


def nothing_fed(p: Program) -> Any:
    """A value that no input has part in."""
    return cntk.tanh(cntk.times(p.parameter((2, 3), p.dtype), p.parameter((3, 2), p.dtype)) + p.constant((2,), p.dtype))


def handed_through(p: Program) -> Any:
    return cntk.alias(value(p), "through") if p.chance(0.5) else cntk.combine([value(p)])


def packed_batch(p: Program) -> Any:
    """Static axes that become the batch, and back."""
    x = p.static((p.integer(1, 4), 2, p.integer(2, 5)), p.dtype)
    inside = cntk.to_batch(x)
    if p.chance(0.5):
        inside = cntk.convolution(p.parameter((3, 2, 2), p.dtype), inside, auto_padding=[False, True])
    elif p.chance(0.5):
        inside = cntk.reduce_mean(inside, axis=1)
    return cntk.unpack_batch(inside) if p.chance(0.6) else inside


OPERATIONS = (
    eye,
    assigned,
    rounded_up_and_down,
    frequencies,
    product_over_leading_axes,
    computed_kernel,
    computed_statistics,
    several_kinds_of_axes,
    chosen_rows,
    mixed_types,
    of_the_importer,
    select_of_shapes,
    ends_of_several,
    nothing_fed,
    handed_through,
    packed_batch,
)


def build(p: Program) -> Case:
    """One to four of them."""
    p.dtype = p.one([np.float32, np.float32, np.float64])
    p.steps = p.lengths()
    p.batch(p.shape(0, 2), p.dtype)
    p.grow(OPERATIONS, p.integer(1, 4))
    return p.finish()
