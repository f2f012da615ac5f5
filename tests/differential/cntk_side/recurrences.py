"""Recurrences: cells of the layers library in all their options, cells written by hand, and what is built of both."""

from typing import Any, Sequence

import cntk
import numpy as np
from cntk.layers import GRU, LSTM, AttentionModel, Dense, Fold, Recurrence, RecurrenceFrom, RNNStep, UnfoldFrom
from cntk.misc.optimized_rnnstack_converter import convert_optimized_rnnstack
from recorder.case import Case
from recorder.parameters import fill_parameters

from cntk_side.program import Program

ACTIVATIONS = (cntk.tanh, cntk.relu, cntk.sigmoid, cntk.softsign, cntk.softplus, cntk.elu, cntk.selu, cntk.leaky_relu, cntk.sin)


def cell(p: Program, width: int) -> Any:
    """A cell of the layers library. Its parameters take the type from the default options."""
    options = {"enable_self_stabilization": p.chance(0.3)}
    if p.chance(0.4):
        options["activation"] = p.one(ACTIVATIONS)
    kind = p.one([LSTM, LSTM, GRU, RNNStep])
    if kind is LSTM:
        options["use_peepholes"] = p.chance(0.3)
    if kind is not RNNStep and p.chance(0.3):
        options["cell_shape"] = p.integer(2, 5) if kind is LSTM else width
    return kind(width, **options)


def signal(p: Program, width: int, dtype: type) -> Any:
    """A sequence input, one-hot now and then."""
    axis = cntk.Axis("words") if p.chance(0.2) else None
    return p.sequence((width,), p.lengths(), axis, dtype)


def initial_state(p: Program, width: int, dtype: type) -> Any:
    kind = p.integer(0, 3)
    if kind == 0:
        return 0
    if kind == 1:
        return float(p.normal(())[()])
    return cntk.constant(p.normal((width,), dtype), dtype=dtype) if kind == 2 else 0


def layers(p: Program) -> Any:
    """One to three recurrent layers, each with options of its own, bidirectional now and then."""
    dtype = p.dtype
    width = p.integer(1, 5)
    with cntk.default_options(dtype=dtype):
        x = signal(p, width, dtype)
        values = [x]
        for _ in range(p.one([1, 1, 2, 3])):
            hidden = p.integer(1, 5)
            options = {"go_backwards": p.chance(0.4), "initial_state": initial_state(p, hidden, dtype)}
            full = p.chance(0.2)
            if p.chance(0.25):
                options["go_backwards"] = False
                forward = Recurrence(cell(p, hidden), **options)(values[-1])
                options["go_backwards"] = True
                backward = Recurrence(cell(p, hidden), **options)(values[-1])
                values.append(cntk.splice(forward, backward))
            else:
                made = Recurrence(cell(p, hidden), return_full_state=full, **options)(values[-1])
                values.extend(cntk.combine([output]) for output in made.outputs)
        if p.chance(0.3):
            values.append(p.one([cntk.sequence.first, cntk.sequence.last])(values[-1]))
        if p.chance(0.3):
            values.append(Dense(2)(values[-1]))
    return values[1:]


def folded(p: Program) -> Any:
    dtype = p.dtype
    with cntk.default_options(dtype=dtype):
        x, hidden = signal(p, 3, dtype), p.integer(1, 4)
        fold = Fold(cell(p, hidden), go_backwards=p.chance(0.5), return_full_state=p.chance(0.3))
        return [cntk.combine([output]) for output in fold(x).outputs]


def from_state(p: Program) -> Any:
    """Initial states that differ from sample to sample, inputs or the end of another sequence."""
    dtype, hidden = p.dtype, p.integer(1, 4)
    with cntk.default_options(dtype=dtype):
        x = signal(p, 3, dtype)
        made = cell(p, hidden)
        count = len(made.outputs)
        if p.chance(0.5):
            states = [p.batch((hidden,), dtype) for _ in range(count)]
        else:
            other = p.sequence((2,), p.lengths(), cntk.Axis("earlier"), dtype)
            states = [Fold(RNNStep(hidden))(other) for _ in range(count)]
        recurrence = RecurrenceFrom(made, go_backwards=p.chance(0.4), return_full_state=p.chance(0.4))
        return [cntk.combine([output]) for output in recurrence(*([*states, x])).outputs]


def delay_of(p: Program, states: Sequence[Any], width: int, reverse: bool, batch_state: Any) -> Any:
    source = p.one(states)
    initial = p.one([None, 0.5, cntk.constant(p.normal((width,))), cntk.constant(p.normal((1,))), batch_state])
    move = cntk.sequence.future_value if reverse else cntk.sequence.past_value
    return move(source, initial, p.one([1, 1, 1, 2, 3]))


def by_hand(p: Program) -> Any:
    """Up to three states that read each other through delays of one to three steps."""
    width, reverse = p.integer(1, 4), p.chance(0.4)
    x = p.sequence((p.integer(1, 3),), p.lengths())
    batch_state = p.batch((width,)) if p.chance(0.5) else None
    holes = [cntk.placeholder((width,), dynamic_axes=x.dynamic_axes, name="state%d" % i) for i in range(p.integer(1, 3))]
    results = []  # type: List[Any]
    for _ in holes:
        delayed = [delay_of(p, holes, width, reverse, batch_state) for _ in range(p.integer(1, 3))]
        if len(results) == 0:
            delayed += [cntk.sequence.future_value(hole) if reverse else cntk.sequence.past_value(hole) for hole in holes]
        total = cntk.times(x, p.parameter((x.shape[0], width)))
        for value in [*delayed, p.one(results)] if results and p.chance(0.5) else delayed:
            total = p.one([cntk.plus, cntk.element_times, cntk.minus])(total, mixed(p, value, width))
        results.append(p.one([cntk.tanh, cntk.sigmoid, cntk.softsign, cntk.sin])(total))
    bound = cntk.combine(results).replace_placeholders(dict(zip(holes, results)))
    return [cntk.combine([output]) for output in bound.outputs]


def mixed(p: Program, value: Any, width: int) -> Any:
    kind = p.integer(0, 3)
    if kind == 0:
        return cntk.times(value, p.parameter((width, width)))
    if kind == 1:
        return value * p.parameter((width,))
    return p.one([cntk.tanh, cntk.abs, cntk.relu, cntk.negate])(value) if kind == 2 else value


def matrix_state(p: Program) -> Any:
    """A state of rank 0 or 2, and a running reduction."""
    shape = p.one([(), (2, 2), (1, 3), (2, 1, 2)])
    x = p.sequence(shape, p.lengths())
    step = p.one([lambda a, b: a + b, lambda a, b: b - a, lambda a, b: cntk.tanh(a) * 0.5 + b])
    made = Recurrence(step, go_backwards=p.chance(0.4), initial_state=p.one([0, 0.5]))(x)
    return [made, cntk.reduce_sum(made), cntk.sequence.last(made)]


def unfolded(p: Program) -> Any:
    """A generator that feeds itself for as long as another sequence lasts, or a multiple of it, or until it says so."""
    width = p.integer(1, 3)
    like = p.sequence((1,), p.lengths())
    start = p.batch((width,)) if p.chance(0.6) else cntk.constant(p.normal((width,)))
    inward = p.parameter((width, width))
    options = {"length_increase": p.one([1, 1, 1.5, 2, 0.5])}
    if p.chance(0.4):
        options["until_predicate"] = lambda state: cntk.greater(cntk.reduce_sum(state), 0.3)
    return [UnfoldFrom(lambda state: cntk.tanh(cntk.times(state, inward) + 0.1), **options)(start, like)]


def attention(p: Program) -> Any:
    """A decoder's cell that looks at a whole other sequence at each of its steps."""
    hidden = p.integer(2, 4)
    source = p.sequence((3,), p.lengths(), cntk.Axis("source"))
    target = p.sequence((2,), p.lengths(), cntk.Axis("target"))
    encoded = Recurrence(GRU(hidden), go_backwards=p.chance(0.5))(source)
    look = AttentionModel(p.integer(2, 4))
    made = GRU(hidden) if p.chance(0.5) else RNNStep(hidden)
    from_start, first_state = p.chance(0.5), Dense(hidden)

    @cntk.Function
    def decode(encoded: Any, words: Any) -> Any:
        @cntk.Function
        def attending(state: Any, word: Any) -> Any:
            return made(state, cntk.splice(word, look(encoded, state)))

        if from_start:
            return Recurrence(attending)(words)
        return RecurrenceFrom(attending)(first_state(cntk.sequence.first(encoded)), words)

    return [decode(encoded, target)]


def optimized_stack(p: Program) -> Any:
    """CuDNN's packed networks; CNTK's own conversion computes in their place."""
    operator, gates = p.one([("lstm", 4), ("rnnReLU", 1), ("rnnTanh", 1)])
    count, hidden, width = p.integer(1, 3), p.integer(1, 4), p.integer(1, 4)
    directions = p.integer(1, 2)
    inward = [width] + [hidden * directions] * (count - 1)
    size = sum(directions * gates * hidden * (each + hidden + 2) for each in inward)
    weights = cntk.parameter((size // hidden, hidden), init=0.4 * p.normal((size // hidden, hidden), np.float32))
    return [cntk.optimized_rnnstack(signal(p, width, np.float32), weights, hidden, count, directions == 2, operator)]


BUILDERS = (
    layers,
    layers,
    layers,
    folded,
    from_state,
    from_state,
    by_hand,
    by_hand,
    by_hand,
    matrix_state,
    unfolded,
    attention,
    optimized_stack,
)


def build(p: Program) -> Case:
    """One recurrent network, its parameters filled so that every term shows."""
    builder = p.one(BUILDERS)
    p.dtype = p.usual = p.one([np.float32, np.float32, np.float32, np.float64])
    with cntk.default_options(dtype=p.dtype):
        for value in builder(p):
            p.keep(value)
    made = p.finish()
    if builder is optimized_stack:
        return made._replace(stand_in=convert_optimized_rnnstack)
    if builder is not by_hand:
        fill_parameters(made.model, p.integer(0, 1 << 30))
    return made
