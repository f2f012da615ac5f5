"""What people write inside recurrences besides cells of the library: convolutions, choices, lookups, scores of paths."""

from typing import Any, Callable, Tuple

import cntk
import numpy as np
from cntk.layers import GRU, LSTM, AttentionModel, Dense, Fold, Recurrence, RecurrenceFrom, RNNStep
from recorder.case import Case
from recorder.parameters import fill_parameters

from cntk_side.program import Program


def signal(p: Program, shape: Tuple[int, ...]) -> Any:
    axis = cntk.Axis("words") if p.chance(0.2) else None
    return p.sequence(shape, p.steps, axis, p.dtype)


def repeated(p: Program, step: Callable[[Any, Any], Any], x: Any, initial: Any = 0) -> Any:
    """A step over all of a sequence, in either direction, or its last state."""
    options = {"go_backwards": p.chance(0.35), "initial_state": initial}
    return Fold(step, **options)(x) if p.chance(0.25) else Recurrence(step, **options)(x)


def convolutional_state(p: Program) -> Any:
    """Gated by convolutions of a state that is an image; pooled inside, now and then."""
    channels, size, maps = p.integer(1, 2), p.integer(3, 5), p.integer(1, 3)
    x = signal(p, (channels, size, size))
    kernel = p.one([1, 3])
    inward = p.parameter((2 * maps, channels, kernel, kernel), p.dtype)
    across = p.parameter((2 * maps, maps, 3, 3), p.dtype)
    zero = cntk.constant(np.zeros((maps, size, size), p.dtype), dtype=p.dtype)
    pooled = p.chance(0.3)

    def step(state: Any, image: Any) -> Any:
        seen = cntk.pooling(state, cntk.MAX_POOLING, (3, 3), (1, 1), [True, True]) if pooled else state
        both = cntk.convolution(inward, image, auto_padding=[False, True, True])
        both = both + cntk.convolution(across, seen, auto_padding=[False, True, True])
        gate = cntk.sigmoid(cntk.slice(both, 0, 0, maps))
        return gate * state + (1 - gate) * cntk.tanh(cntk.slice(both, 0, maps, 2 * maps))

    return repeated(p, step, x, zero)


def normalized_state(p: Program) -> Any:
    """Layer normalisation between the product and the activation."""
    width = p.integer(2, 4)
    x = signal(p, (3,))
    inward, across = p.parameter((3, width), p.dtype), p.parameter((width, width), p.dtype)
    scale = p.parameter((width,), p.dtype)

    def step(state: Any, word: Any) -> Any:
        total = cntk.times(word, inward) + cntk.times(state, across)
        centred = total - cntk.reduce_mean(total)
        spread = cntk.sqrt(cntk.reduce_mean(cntk.square(centred)) + 0.01)
        return cntk.tanh(scale * centred / spread)

    return repeated(p, step, x, cntk.constant(p.normal((width,), p.dtype), dtype=p.dtype))


def kept_at_some_steps(p: Program) -> Any:
    """A state that a condition of the input, or of the state itself, holds fast."""
    width = p.integer(1, 3)
    x = signal(p, (width,))
    cell = p.one([RNNStep, GRU])(width)
    from_input = p.chance(0.5)

    def step(state: Any, word: Any) -> Any:
        moving = cntk.greater(cntk.reduce_sum(word if from_input else state), -0.2)
        return cntk.element_select(moving, cell(state, word), state)

    return repeated(p, step, x)


def independent_units(p: Program) -> Any:
    """Every unit reads its own past alone, through a vector or a number."""
    width = p.integer(1, 4)
    x = signal(p, (2,))
    inward, own = p.parameter((2, width), p.dtype), p.parameter(p.one([(width,), (1,)]), p.dtype)
    act = p.one([cntk.relu, cntk.tanh, cntk.sigmoid, lambda value: value])
    return repeated(p, lambda state, word: act(cntk.times(word, inward) + own * state), x, 0.1)


def pooled_gates(p: Program) -> Any:
    """Gates of a window of inputs, and a state that only mixes: a quasi-recurrent network."""
    width = p.integer(1, 4)
    x = signal(p, (2,))
    window = cntk.splice(x, cntk.sequence.past_value(x))
    with cntk.layers.default_options(dtype=p.dtype):
        gate, candidate = Dense(width, activation=cntk.sigmoid)(window), Dense(width, activation=cntk.tanh)(window)
    hole = cntk.placeholder((width,), dynamic_axes=x.dynamic_axes)
    state = gate * cntk.sequence.past_value(hole) + (1 - gate) * candidate
    return state.replace_placeholders({hole: state.output})


def best_path(p: Program) -> Any:
    """Scores of the best, or of all, paths through a table of transitions."""
    labels = p.integer(2, 4)
    x = signal(p, (labels,))
    moves = p.parameter((labels, labels), p.dtype)
    collect = p.one([cntk.reduce_max, cntk.reduce_log_sum_exp])

    def step(score: Any, emitted: Any) -> Any:
        paths = cntk.reshape(score, (labels, 1)) + moves
        return cntk.reshape(collect(paths, axis=0), (labels,)) + emitted

    return repeated(p, step, x)


def lookup(p: Program) -> Any:
    """The greatest unit of the state chooses a row of a table."""
    width = p.integer(2, 4)
    table = p.parameter((width, width), p.dtype)
    return repeated(p, lambda state, word: cntk.tanh(cntk.times(cntk.hardmax(state + word), table) + word), signal(p, (width,)))


def matrix_memory(p: Program) -> Any:
    """A matrix that is written by outer products and read by the input."""
    width = p.integer(2, 3)
    x = signal(p, (width,))
    zero = cntk.constant(np.zeros((width, width), p.dtype), dtype=p.dtype)

    def step(memory: Any, word: Any) -> Any:
        column, row = cntk.reshape(word, (width, 1)), cntk.reshape(word, (1, width))
        return 0.7 * memory + column * row

    memory = Recurrence(step, initial_state=zero)(x)
    return cntk.reduce_sum(memory * cntk.reshape(x, (1, width)), axis=1)


def residual_stack(p: Program) -> Any:
    """Cells one on another inside one step, each with a state of its own."""
    width = p.integer(2, 3)
    x = signal(p, (width,))
    lower, upper = LSTM(width), p.one([GRU, RNNStep])(width)
    skip = p.chance(0.5)

    @cntk.Function
    def step(h: Any, c: Any, top: Any, word: Any) -> Any:
        low = lower(h, c, word)
        made = upper(top, low.outputs[0] + word if skip else low.outputs[0])
        return cntk.combine([low.outputs[0], low.outputs[1], made.output])

    made = Recurrence(step, return_full_state=True, go_backwards=p.chance(0.3))(x)
    return [cntk.combine([output]) for output in made.outputs]


def greedy_decoder(p: Program) -> Any:
    """Words that are fed back, the most likely of each step, through a recurrence inside of which there is another one."""
    words, width = p.integer(3, 4), p.integer(2, 4)
    encode, look, looking = Recurrence(GRU(width)), AttentionModel(2), p.chance(0.4)
    embedded, cell, out = p.parameter((words, width), p.dtype), p.one([GRU, RNNStep])(width), Dense(words)
    first = cntk.constant(np.eye(words, dtype=p.dtype)[0], dtype=p.dtype)

    @cntk.Function
    def decode(history: Any, source: Any) -> Any:
        encoded = encode(source)

        @cntk.Function
        def attending(state: Any, word: Any) -> Any:
            return cell(state, cntk.splice(word, look(encoded, state)) if looking else word)

        remember = Recurrence(attending) if looking else RecurrenceFrom(cell)
        states = [] if looking else [cntk.sequence.last(encoded)]
        return out(remember(*states, cntk.times(history, embedded)))

    source = p.sequence((2,), p.steps, dtype=p.dtype)
    said = cntk.placeholder((words,), dynamic_axes=source.dynamic_axes)
    made = cntk.reconcile_dynamic_axes(cntk.hardmax(decode(cntk.sequence.past_value(said, first), source)), source)
    return made.replace_placeholders({said: made.output})


def several_states_from_outside(p: Program) -> Any:
    """A decoder whose cell starts from what two encoders say."""
    width = p.integer(1, 3)
    one, two = p.sequence((2,), p.lengths(), cntk.Axis("one"), p.dtype), p.sequence((3,), p.lengths(), cntk.Axis("two"), p.dtype)
    states = [Fold(RNNStep(width))(one), cntk.sequence.last(Recurrence(RNNStep(width), go_backwards=p.chance(0.5))(two))]
    return RecurrenceFrom(LSTM(width), go_backwards=p.chance(0.3))(*states, signal(p, (2,)))


def dilated(p: Program) -> Any:
    """Causal filters whose steps lie ever further apart."""
    value = signal(p, (2,))
    for power in range(p.integer(1, 3)):
        before = cntk.sequence.past_value(value, time_step=2**power)
        with cntk.layers.default_options(dtype=p.dtype):
            both = cntk.splice(before, value)
            value = value + Dense(2, activation=cntk.tanh)(both) * Dense(2, activation=cntk.sigmoid)(both)
    return value


def loop_over_a_made_axis(p: Program) -> Any:
    """A recurrence over some of the steps, or over an axis that was static before."""
    width = p.integer(1, 3)
    cell = p.one([GRU, RNNStep, LSTM])(width)
    kind = p.integer(0, 2)
    if kind == 0:
        x = signal(p, (2,))
        x = cntk.sequence.gather(x, cntk.greater(cntk.reduce_sum(x), -1.5) + cntk.sequence.is_first(x))
    elif kind == 1:
        x = cntk.to_sequence(p.batch((p.integer(1, 4), 2), p.dtype))
    else:
        x = cntk.sequence.slice(signal(p, (2,)), 0, 2)
    return Recurrence(cell, go_backwards=p.chance(0.4))(x)


BUILDERS = (
    convolutional_state,
    normalized_state,
    kept_at_some_steps,
    independent_units,
    pooled_gates,
    best_path,
    lookup,
    matrix_memory,
    residual_stack,
    greedy_decoder,
    several_states_from_outside,
    dilated,
    loop_over_a_made_axis,
)


def build(p: Program) -> Case:
    """One or two of them, each on inputs of its own. Parameters of the library's layers are filled, so that every term shows."""
    p.dtype = p.one([np.float32, np.float32, np.float32, np.float64])
    p.steps = p.lengths()
    with cntk.layers.default_options(dtype=p.dtype):
        p.grow(BUILDERS, p.integer(1, 2))
    made = p.finish()
    fill_parameters(made.model, p.integer(0, 1 << 30))
    return made
