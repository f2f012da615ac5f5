"""Element-wise operators and products between operands of all ranks, with and without dynamic axes."""

from typing import Any, Tuple

import cntk
import numpy as np
from recorder.case import Case

from cntk_side.program import FREE, NothingFitsError, Program

ARITHMETIC = (
    cntk.plus,
    cntk.minus,
    cntk.element_times,
    cntk.log_add_exp,
    cntk.element_max,
    cntk.element_min,
    cntk.element_divide,
)
COMPARISONS = (cntk.less, cntk.less_equal, cntk.greater, cntk.greater_equal, cntk.equal, cntk.not_equal)


def part_of(p: Program, full: Tuple[int, ...]) -> Tuple[int, ...]:
    """A shape that broadcasts against `full`: leading axes missing, others 1."""
    shape = full[p.integer(0, len(full)) if p.chance(0.5) else 0 :]
    return tuple(1 if p.chance(0.25) else dim for dim in shape)


def operand(p: Program, shape: Tuple[int, ...]) -> Any:
    """An input or a parameter; all sequences of a program have the same lengths."""
    dtype, kind = p.dtype, p.integer(0, 6)
    if kind == 0 and FREE not in shape:
        return p.constant(shape, dtype)
    if kind == 1 and FREE not in shape:
        return cntk.parameter(init=p.normal(shape, dtype), dtype=dtype)
    if kind == 2:
        return p.static(shape, dtype)
    if kind < 5 or not p.long:
        return p.batch(shape, dtype)
    return p.sequence(shape, p.steps, None, dtype)


def elementwise(p: Program) -> Any:
    full = p.shape(0, 4, free=0.1)
    x, y, z = (operand(p, part_of(p, full)) for _ in range(3))
    kind = p.integer(0, 4)
    if kind == 0:
        return cntk.element_select(cntk.greater(x, 0), y, z)
    if kind == 1:
        return cntk.clip(x, y, z)
    if kind == 2:
        return p.one(COMPARISONS)(x, y) + z
    if kind == 3:
        return p.one([cntk.sum, cntk.mean])(x, y, z)
    return p.one(ARITHMETIC)(p.one(ARITHMETIC)(x, y), z)


def sound(p: Program, left: Any, right: Any) -> None:
    """Keep away from what CNTK computes wrongly for more than one sample, though rightly for one."""
    column = len(left.shape) == 1 and tuple(right.shape) == (left.shape[0], 1)
    if right.dynamic_axes and (column or (left.dynamic_axes and p.dtype is np.float16)):
        raise NothingFitsError


def product(p: Program) -> Any:
    kept, contracted, made = p.shape(0, 2), p.shape(1, 2), p.shape(1, 2)
    if p.chance(0.15) and kept:
        kept = (FREE, *kept[1:])
    left, right = operand(p, kept + contracted), operand(p, contracted + made)
    sound(p, left, right)
    return cntk.times(left, right, output_rank=len(made))


def outer_product(p: Program) -> Any:
    left, right = operand(p, p.shape(1, 2)), operand(p, p.shape(1, 2))
    sound(p, left, right)
    return cntk.times(left, right, output_rank=len(right.shape))


def transposed_product(p: Program) -> Any:
    inner = p.integer(1, 4)
    left = operand(p, (*p.shape(0, 2), inner))
    right = operand(p, p.one([(inner,), (p.integer(1, 3), inner)]))
    sound(p, left, right)
    return cntk.times_transpose(left, right)


def chain(p: Program) -> Any:
    """Operators on what other operators made."""
    left = p.operand()
    return p.one(ARITHMETIC[:6])(left, p.operand() if p.chance(0.7) else operand(p, p.shape(0, 3)))


OPERATIONS = (elementwise, elementwise, product, product, outer_product, transposed_product, chain)


def build(p: Program) -> Case:
    """Up to four operators over one batch."""
    p.long = p.chance(0.4)
    p.steps = p.lengths()
    p.grow(OPERATIONS, p.integer(1, 4))
    return p.finish()
