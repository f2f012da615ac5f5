"""Makes the inputs of single-operator cases."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import cntk
import numpy as np

from recorder.case import Batch, Case, case

Builder = Callable[[], Case]
Family = Dict[str, Builder]

NAMES = ("x", "y", "z", "w")

Operands = NamedTuple("Operands", [("variables", List[cntk.Variable]), ("feed", Dict[cntk.Variable, Batch])])


def ramp(*shape: int, low: float = -2.0, high: float = 3.0) -> np.ndarray:
    """Evenly spaced float32 values without repetition: every element can be told from every other."""
    return np.linspace(low, high, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def scattered(seed: int, *shape: int) -> np.ndarray:
    """Standard normal float32 values."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def ragged(seed: int, lengths: Sequence[int], *shape: int) -> List[np.ndarray]:
    """One `[T, *shape]` of standard normal float32 values for each length."""
    random = np.random.RandomState(seed)
    return [random.standard_normal((length, *shape)).astype(np.float32) for length in lengths]


def batched(*values: np.ndarray) -> Operands:
    """One input with a batch axis for each `[N, *shape]`, of its type."""
    variables = [cntk.input_variable(v.shape[1:], dtype=v.dtype.type, name=n) for n, v in zip(NAMES, values)]
    return Operands(variables, dict(zip(variables, values)))


def sequences(*values: List[np.ndarray]) -> Operands:
    """One input over the default sequence axis for each list of `[T, *shape]`."""
    variables = [cntk.sequence.input_variable(v[0].shape[1:], dtype=v[0].dtype.type, name=name) for name, v in zip(NAMES, values)]
    return Operands(variables, dict(zip(variables, values)))


def static(*values: np.ndarray) -> Operands:
    """One input without dynamic axes for each `[*shape]`."""
    variables = [cntk.input_variable(v.shape, dynamic_axes=[], name=name) for name, v in zip(NAMES, values)]
    return Operands(variables, dict(zip(variables, values)))


def mixed(*parts: Operands) -> Operands:
    """The inputs of `parts` together; their names should differ."""
    feed = {}  # type: Dict[cntk.Variable, Batch]
    for part in parts:
        feed.update(part.feed)
    return Operands([variable for part in parts for variable in part.variables], feed)


def named(operands: Operands, *names: str) -> Operands:
    """The same inputs under other names, for use with `mixed`."""
    renamed = [
        cntk.input_variable(v.shape, dtype=v.dtype, is_sparse=v.is_sparse, dynamic_axes=list(v.dynamic_axes), name=name)
        for v, name in zip(operands.variables, names)
    ]
    return Operands(renamed, {new: operands.feed[old] for old, new in zip(operands.variables, renamed)})


def applied(function: Callable[..., Any], operands: Callable[[], Operands], note: Optional[str] = None) -> Builder:
    """The case of `function` applied to the variables of `operands()`; a tuple of results becomes several outputs."""

    def build() -> Case:
        made = operands()
        result = function(*made.variables)
        model = cntk.combine(list(result)) if isinstance(result, (tuple, list)) else result
        return case(cntk.as_composite(model) if not isinstance(model, cntk.Function) else model, made.feed, note=note)

    return build


def on_batch(function: Callable[..., Any], *values: np.ndarray) -> Builder:
    """`function` of inputs with a batch axis."""
    return applied(function, lambda: batched(*values))


def on_sequences(function: Callable[..., Any], *values: List[np.ndarray]) -> Builder:
    """`function` of inputs with a sequence axis."""
    return applied(function, lambda: sequences(*values))
