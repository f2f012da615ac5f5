"""ONNX's LSTM, GRU and RNN over ragged batches, with the activations that have no parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx.reference.op_run import OpRun

_Array = npt.NDArray[Any]
_Activation = Callable[[_Array], _Array]
_Step = Callable[[_Array, tuple[_Array, ...]], tuple[_Array, ...]]
"""One step of a cell: the step's input ``[N, input]`` and the states ``[N, hidden]``, of which the first is the output."""


def _sigmoid(x: _Array) -> _Array:
    """1 / (1 + exp(-x)), whose quotient is of numbers that do not overflow."""
    small: _Array = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


_ACTIVATIONS: Mapping[str, _Activation] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, x.dtype.type(0)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softplus": lambda x: np.logaddexp(x, x.dtype.type(0)),
}
_UNSUPPORTED = ("activation_alpha", "activation_beta", "clip", "input_forget", "layout")


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What a cell of one direction is made of, in the layout of ONNX: gates one below the other."""

    W: _Array
    R: _Array
    B: _Array
    P: _Array | None
    activations: Sequence[_Activation]
    linear_before_reset: bool


class _Recurrent(OpRun):
    """What the three have in common: directions, ragged lengths, initial states."""

    op_domain = ""
    gates = 1
    states = 1
    default_activations: tuple[str, ...] = ("Tanh",)

    def _run(
        self,
        X: _Array,
        W: _Array,
        R: _Array,
        B: _Array | None = None,
        sequence_lens: _Array | None = None,
        *rest: _Array | None,
        **attributes: Any,
    ) -> tuple[_Array, ...]:
        if used := [name for name in _UNSUPPORTED if attributes.get(name)]:
            raise RuntimeError(f"{type(self).__name__}: the attribute {used[0]} is not supported here")
        directions, hidden = R.shape[0], R.shape[-1]
        initial, peepholes = rest[: self.states], rest[self.states] if len(rest) > self.states else None
        bias = np.zeros((directions, 2 * self.gates * hidden), X.dtype) if B is None else B
        names = list(attributes.get("activations") or self.default_activations * directions)
        per_direction = len(self.default_activations)
        outputs, finals = [], []
        for d in range(directions):
            chosen = [_activation(name) for name in names[d * per_direction : (d + 1) * per_direction]]
            peephole = None if peepholes is None else peepholes[d]
            after = bool(attributes.get("linear_before_reset"))
            step = self._cell(_Parameters(W[d], R[d], bias[d], peephole, chosen, after))
            states = tuple(_initial(value, d, (X.shape[1], hidden), X.dtype) for value in _padded(initial, self.states))
            backward = attributes.get("direction") == "reverse" or d == 1
            output, final = _along(X, states, _lengths(sequence_lens, X), step, backward=backward)
            outputs.append(output)
            finals.append(final)
        stacked = (np.stack(outputs, axis=1), *(np.stack(values) for values in zip(*finals, strict=True)))
        return tuple(value.astype(X.dtype) for value in stacked[: len(self.onnx_node.output)])

    @abstractmethod
    def _cell(self, given: _Parameters) -> _Step:
        """The equations of one step, of one direction."""


class RNN(_Recurrent):
    """``H = f(X W' + H R' + B)``."""

    def _cell(self, given: _Parameters) -> _Step:
        W, R, activation = given.W, given.R, given.activations[0]
        input_bias, state_bias = np.split(given.B, 2)

        def step(x: _Array, states: tuple[_Array, ...]) -> tuple[_Array, ...]:
            return (activation(x @ W.T + states[0] @ R.T + input_bias + state_bias),)

        return step


class GRU(_Recurrent):
    """Gates in ONNX's order: update, reset, candidate."""

    gates = 3
    default_activations = ("Sigmoid", "Tanh")

    def _cell(self, given: _Parameters) -> _Step:
        W, after = given.W, given.linear_before_reset
        squash, candidate_of = given.activations
        input_bias, state_bias = np.split(given.B, 2)
        (Rz, Rr, Rh), (bz, br, bh) = np.split(given.R, 3), np.split(state_bias, 3)

        def step(x: _Array, states: tuple[_Array, ...]) -> tuple[_Array, ...]:
            h = states[0]
            xz, xr, xh = np.split(x @ W.T + input_bias, 3, axis=-1)
            z, r = squash(xz + h @ Rz.T + bz), squash(xr + h @ Rr.T + br)
            inner = r * (h @ Rh.T + bh) if after else (r * h) @ Rh.T + bh
            return ((1 - z) * candidate_of(xh + inner) + z * h,)

        return step


class LSTM(_Recurrent):
    """Gates in ONNX's order: input, output, forget, cell; peepholes input, output, forget."""

    gates = 4
    states = 2
    default_activations = ("Sigmoid", "Tanh", "Tanh")

    def _cell(self, given: _Parameters) -> _Step:
        W, R = given.W, given.R
        squash, candidate_of, output_of = given.activations
        bias = np.add(*np.split(given.B, 2))
        pi, po, pf = np.zeros((3, R.shape[-1]), R.dtype) if given.P is None else np.split(given.P, 3)

        def step(x: _Array, states: tuple[_Array, ...]) -> tuple[_Array, ...]:
            h, c = states
            xi, xo, xf, xc = np.split(x @ W.T + h @ R.T + bias, 4, axis=-1)
            c_next = squash(xf + pf * c) * c + squash(xi + pi * c) * candidate_of(xc)
            return squash(xo + po * c_next) * output_of(c_next), c_next

        return step


def _along(
    X: _Array, states: tuple[_Array, ...], lengths: _Array, step: _Step, *, backward: bool
) -> tuple[_Array, tuple[_Array, ...]]:
    """``[T, N, input]`` -> ``[T, N, hidden]``, zero beyond each sequence's length, and the states behind the last valid step."""
    steps = np.arange(len(X))[:, None]
    valid = steps < lengths
    # Backward, each sequence is turned about within its own length.
    order = np.where(valid, lengths - 1 - steps, steps) if backward else np.broadcast_to(steps, valid.shape)
    samples = np.arange(X.shape[1])
    output = np.zeros((len(X), *states[0].shape), X.dtype)
    for t in range(len(X)):
        going = valid[t][:, None]
        following = step(X[order[t], samples], states)
        states = tuple(np.where(going, new, old) for new, old in zip(following, states, strict=True))
        output[order[t], samples] = np.where(going, states[0], 0)
    return output, states


def _activation(name: str) -> _Activation:
    try:
        return _ACTIVATIONS[name.lower()]
    except KeyError:
        raise RuntimeError(f"the activation {name} is not supported here; these are: {', '.join(_ACTIVATIONS)}") from None


def _lengths(given: _Array | None, X: _Array) -> _Array:
    return np.full(X.shape[1], len(X)) if given is None else given


def _padded(values: Sequence[_Array | None], count: int) -> list[_Array | None]:
    return [*values, *[None] * (count - len(values))]


def _initial(given: _Array | None, direction: int, shape: tuple[int, int], dtype: np.dtype[Any]) -> _Array:
    return np.zeros(shape, dtype) if given is None else given[direction]
