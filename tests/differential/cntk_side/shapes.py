"""Operators that rearrange, choose, repeat or fill static axes, free ones among them."""

from typing import Any

import cntk
import numpy as np
from recorder.case import Case

from cntk_side.program import FREE, FREE_SIZE, Program


def size(dim: int) -> int:
    return FREE_SIZE if dim == FREE else dim


def with_rank(p: Program, least: int = 1) -> Any:
    return p.operand(lambda value: len(value.shape) >= least)


def reshape_range(p: Program) -> Any:
    """A range of axes replaced by others of the same size, one of them inferred now and then."""
    x = p.operand()
    begin = p.integer(0, len(x.shape))
    end = p.integer(begin, len(x.shape))
    inside = x.shape[begin:end]
    if FREE in inside:
        new = [-1] if p.chance(0.7) else [FREE] + [d for d in inside if d != FREE]
    else:
        new = factors(p, int(np.prod(inside, dtype=int)))
        if new and p.chance(0.3):
            new[p.random.randint(len(new))] = -1
    if begin == 0 and end == len(x.shape) and p.chance(0.5):
        return cntk.reshape(x, tuple(new))
    return cntk.reshape(x, tuple(new), begin, end)


def factors(p: Program, total: int) -> Any:
    """`total` as a product of one to three factors; none at all for 1, now and then."""
    if total == 1 and p.chance(0.3):
        return []
    found = []
    for _ in range(p.integer(0, 2)):
        divisor = p.one([d for d in range(1, total + 1) if total % d == 0])
        found.append(divisor)
        total //= divisor
    return [*found, total]


def slice_axes(p: Program) -> Any:
    """One or several axes, forwards or backwards, from either end."""
    x = with_rank(p)
    rank = len(x.shape)
    count = p.integer(1, min(rank, 2))
    axes = list(p.random.choice(rank, count, replace=False))
    begins, ends, strides = [], [], []
    for axis in axes:
        length = size(x.shape[axis])
        begin = p.integer(0, length - 1)
        end = p.integer(begin + 1, length)
        begins.append(begin - length if p.chance(0.3) else begin)
        ends.append(end - length if p.chance(0.4) else end)
        # CNTK writes strides into v1 files and passes over them when it reads one.
        strides.append(1 if p.legacy_format else p.one([1, 1, 1, 2, -1, -2, 3]))
    named = [int(axis - rank if p.chance(0.3) else axis) for axis in axes]
    if count == 1 and p.chance(0.5):
        return cntk.slice(x, named[0], begins[0], ends[0], strides[0])
    return cntk.slice(x, named, begins, ends, strides)


def splice(p: Program) -> Any:
    """Several operands along an old or a new axis; the others broadcast."""
    first = p.operand()
    parts = [first]
    for _ in range(p.integer(1, 2)):
        other = p.operand(lambda v: len(v.shape) == len(first.shape) and v.dynamic_axes == first.dynamic_axes)
        parts.append(other if p.chance(0.6) else p.constant([1 if d == FREE else d for d in first.shape]))
    p.random.shuffle(parts)
    return cntk.splice(*parts, axis=p.integer(-len(first.shape) - 1, max(len(first.shape) - 1, 0)))


def splice_of_parts(p: Program) -> Any:
    """Slices of one value put together in another order."""
    x = with_rank(p)
    axis = p.integer(0, len(x.shape) - 1)
    return cntk.splice(cntk.slice(x, axis, 0, 1), x, cntk.slice(x, axis, -1, 0), axis=axis - len(x.shape))


def transpose(p: Program) -> Any:
    x = with_rank(p, 2)
    rank = len(x.shape)
    if p.legacy_format or p.chance(0.4):  # CNTK passes over the permutation in a v1 file, too.
        return cntk.swapaxes(x, p.integer(0, rank - 1), p.integer(-rank, -1))
    return cntk.transpose(x, [int(axis - rank if p.chance(0.2) else axis) for axis in p.random.permutation(rank)])


def squeeze(p: Program) -> Any:
    x = p.operand(lambda value: 1 in value.shape)
    ones = [axis for axis, dim in enumerate(x.shape) if dim == 1]
    return cntk.squeeze(x) if p.chance(0.4) else cntk.squeeze(x, [p.one(ones)])


def expand_dims(p: Program) -> Any:
    x = p.operand()
    return cntk.expand_dims(x, p.integer(-len(x.shape) - 1, max(len(x.shape) - 1, 0)))


def flatten(p: Program) -> Any:
    x = p.operand()
    return cntk.flatten(x) if p.chance(0.2) else cntk.flatten(x, p.integer(-len(x.shape), len(x.shape)))


def indices(p: Program, below: int) -> Any:
    """Whole numbers, with fractions that truncation drops, of any of the kinds of axes."""
    shape = p.shape(0, 2)
    fraction = 0.7 if p.chance(0.2) else 0.0
    if p.chance(0.3):
        return p.static(shape, values=(p.random.randint(0, below, shape) + fraction).astype(p.usual))
    full = (p.samples, *tuple(shape))
    return p.batch(shape, values=(p.random.randint(0, below, full) + fraction).astype(p.usual))


def gather(p: Program) -> Any:
    table = p.parameter(p.shape(1, 3))
    axis = p.integer(0, len(table.shape) - 1)
    if p.chance(0.4):
        return cntk.gather(table, indices(p, table.shape[0]))
    return cntk.gather(table, indices(p, table.shape[axis]), axis if p.chance(0.7) else axis - len(table.shape))


def one_hot(p: Program) -> Any:
    classes = p.integer(1, 5)
    chosen = indices(p, classes + (1 if p.chance(0.2) else 0))
    return cntk.one_hot(chosen, classes, axis=p.integer(-len(chosen.shape) - 1, max(len(chosen.shape), 0)))


def top_k(p: Program) -> Any:
    """Of an input: operators that repeat values make ties, whose order CNTK leaves to its C++ library."""
    x = p.batch(p.shape(1, 3))
    axis = p.integer(-len(x.shape), len(x.shape) - 1)
    return list(cntk.top_k(x, p.integer(1, size(x.shape[axis])), axis).outputs)


def pad(p: Program) -> Any:
    x = with_rank(p)
    mode = p.one([cntk.ops.CONSTANT_PAD, cntk.ops.REFLECT_PAD, cntk.ops.SYMMETRIC_PAD])
    least = {cntk.ops.CONSTANT_PAD: 3, cntk.ops.REFLECT_PAD: -1, cntk.ops.SYMMETRIC_PAD: 0}[mode]
    # A free axis may be a batch of a single sample, and a mirror shows no more than there is.
    most = [3 if least == 3 else max((1 if dim == FREE else dim) + least, 0) for dim in x.shape]
    pattern = [(p.integer(0, each), p.integer(0, each)) if p.chance(0.6) else (0, 0) for each in most]
    return cntk.pad(x, pattern, mode, p.one([0, 1.5]))


def arithmetic(p: Program) -> Any:
    return p.one([cntk.plus, cntk.element_times])(p.operand(), p.operand())


def reduce_axis(p: Program) -> Any:
    x = with_rank(p)
    return p.one([cntk.reduce_sum, cntk.reduce_max])(x, axis=p.integer(-len(x.shape), len(x.shape) - 1), keepdims=p.chance(0.5))


def batch_as_static(p: Program) -> Any:
    x = p.operand(lambda value: len(value.dynamic_axes) == 1)
    unpacked = cntk.unpack_batch(x)
    return unpacked if p.chance(0.5) else cntk.to_batch(cntk.tanh(unpacked))


def blocks(p: Program) -> Any:
    """Depth to space and back."""
    n = p.integer(1, 3)
    x = p.batch((p.integer(1, 2) * n * n, p.integer(1, 3), p.integer(1, 3)))
    return cntk.depth_to_space(x, n) if p.chance(0.5) else cntk.space_to_depth(cntk.depth_to_space(x, n), n)


def constants(p: Program) -> Any:
    return p.one([cntk.zeros_like, cntk.ones_like])(p.operand())


OPERATIONS = [
    reshape_range,
    reshape_range,
    slice_axes,
    slice_axes,
    splice,
    splice_of_parts,
    transpose,
    transpose,
    squeeze,
    expand_dims,
    flatten,
    gather,
    one_hot,
    top_k,
    pad,
    pad,
    arithmetic,
    reduce_axis,
    batch_as_static,
    blocks,
    constants,
]


def build(p: Program) -> Case:
    """A batch, a sequence now and then, and one to six operators."""
    p.usual = p.one([np.float32, np.float32, np.float64])
    free = 0.25 if p.chance(0.4) else 0.0
    for _ in range(p.integer(1, 2)):
        p.batch(p.shape(1, 4, free))
    if p.chance(0.25):
        p.sequence(p.shape(1, 3, free), p.lengths())
    if p.chance(0.15):
        p.static(p.shape(1, 3, free))
    p.grow(OPERATIONS, p.integer(1, 6))
    return p.finish()
