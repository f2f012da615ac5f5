"""The ONNX operators that are computed at conversion when all their inputs are constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_Fold = Callable[[Sequence[Array], Mapping[str, Any]], Array]

_MOST_ELEMENTS: Final = 1 << 22
"""Results beyond this stay nodes: computing them would cost conversion time and file size."""


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, np.zeros((), x.dtype))


def _unsqueeze(x: Array, axes: Array) -> Array:
    return np.expand_dims(x, tuple(int(a) for a in axes))


def _squeeze(x: Array, axes: Array) -> Array:
    return np.squeeze(x, tuple(int(a) for a in axes))


def _reshape(x: Array, shape: Array) -> Array:
    return x.reshape([x.shape[i] if dim == 0 else int(dim) for i, dim in enumerate(shape)])


def _cast(x: Array, to: int) -> Array:
    types = {1: np.float32, 11: np.float64, 10: np.float16, 7: np.int64, 6: np.int32, 9: np.bool_}
    return x.astype(types[to])


_FOLDS: Final[Mapping[str, _Fold]] = {
    "Add": lambda x, _: np.add(x[0], x[1]),
    "Sub": lambda x, _: np.subtract(x[0], x[1]),
    "Mul": lambda x, _: np.multiply(x[0], x[1]),
    "Div": lambda x, _: np.divide(x[0], x[1]) if x[0].dtype.kind == "f" else x[0] // x[1],
    "Max": lambda x, _: np.maximum(x[0], x[1]),
    "Min": lambda x, _: np.minimum(x[0], x[1]),
    "Neg": lambda x, _: np.negative(x[0]),
    "Abs": lambda x, _: np.abs(x[0]),
    "Exp": lambda x, _: np.exp(x[0]),
    "Log": lambda x, _: np.log(x[0]),
    "Sqrt": lambda x, _: np.sqrt(x[0]),
    "Reciprocal": lambda x, _: np.reciprocal(x[0]),
    "Softplus": lambda x, _: _softplus(x[0]),
    "Tanh": lambda x, _: np.tanh(x[0]),
    "Floor": lambda x, _: np.floor(x[0]),
    "Less": lambda x, _: np.less(x[0], x[1]),
    "Greater": lambda x, _: np.greater(x[0], x[1]),
    "Equal": lambda x, _: np.equal(x[0], x[1]),
    "Not": lambda x, _: np.logical_not(x[0]),
    "And": lambda x, _: np.logical_and(x[0], x[1]),
    "Where": lambda x, _: np.where(x[0], x[1], x[2]),
    "Cast": lambda x, a: _cast(x[0], int(a["to"])),
    "Reshape": lambda x, _: _reshape(x[0], x[1]),
    "Unsqueeze": lambda x, _: _unsqueeze(x[0], x[1]),
    "Squeeze": lambda x, _: _squeeze(x[0], x[1]),
    "Transpose": lambda x, a: np.transpose(x[0], a["perm"]),
    "Concat": lambda x, a: np.concatenate(x, axis=a["axis"]),
    "Expand": lambda x, _: np.broadcast_to(x[0], np.broadcast_shapes(x[0].shape, tuple(int(d) for d in x[1]))),
    "Gather": lambda x, a: np.take(x[0], x[1], axis=a.get("axis", 0)),
    "Shape": lambda x, a: np.array(x[0].shape, np.int64)[a.get("start", 0) : a.get("end")],
    "Identity": lambda x, _: x[0],
}


_VIEWS: Final = frozenset({"Reshape", "Unsqueeze", "Squeeze", "Identity", "Shape", "Expand"})
"""Operators whose results cost nothing, whatever their size: views of their operands, or their shape."""


def _result_elements(operator: str, inputs: Sequence[Array], attributes: Mapping[str, Any]) -> int:
    """How many elements the result has: two small operands may broadcast to any size, and that is known before it is computed."""
    if operator in ("Concat", "Transpose"):
        return sum(x.size for x in inputs)
    if operator == "Gather":
        rows = max(inputs[0].shape[attributes.get("axis", 0)], 1)
        return int(inputs[1].size * (inputs[0].size // rows))
    return math.prod(np.broadcast_shapes(*(x.shape for x in inputs)))


def fold(operator: str, inputs: Sequence[Array], attributes: Mapping[str, Any]) -> Array | None:
    """The result of ``operator`` over constant ``inputs``, or ``None`` when it is to stay a node."""
    rule = _FOLDS.get(operator)
    if rule is None:
        return None
    if operator not in _VIEWS:
        sizes = (*(x.size for x in inputs), _result_elements(operator, inputs, attributes))
        if max(sizes) > _MOST_ELEMENTS:
            return None
    with np.errstate(all="ignore"):
        result = np.asarray(rule(inputs, attributes))
    return None if operator == "Expand" and result.size > _MOST_ELEMENTS else result
