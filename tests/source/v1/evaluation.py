"""Evaluates the few operators that v1's special nodes are written in, with numpy, one sample at a time and row-major."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bridge.graph.model import INFERRED, Axis, AxisKind, Function, Model, NDShape

Array = npt.NDArray[np.float64]


def _reshape(function: Function, values: Sequence[Array]) -> Array:
    dims = function.attributes["newShape"]
    assert isinstance(dims, NDShape)
    assert "beginAxis" not in function.attributes
    return values[0].reshape([-1 if dim == INFERRED else dim for dim in reversed(dims)])


def _axis(function: Function, rank: int) -> int:
    axis = function.attributes["axis"]
    assert isinstance(axis, Axis)
    assert axis.kind is AxisKind.STATIC
    return rank - 1 - axis.index if axis.index >= 0 else -axis.index - 1


def _slice(function: Function, values: Sequence[Array]) -> Array:
    begin, end, step = (function.attributes[key] for key in ("beginIndex", "endIndex", "sliceStrides"))
    assert isinstance(begin, int)
    assert isinstance(end, int)
    assert isinstance(step, int)
    axis = _axis(function, values[0].ndim)
    if end <= 0:
        end += values[0].shape[axis]
    return np.take(values[0], range(begin, end, step), axis)


def _splice(function: Function, values: Sequence[Array]) -> Array:
    return np.concatenate(values, _axis(function, values[0].ndim))


def _times(function: Function, values: Sequence[Array]) -> Array:
    assert function.attributes["outputRank"] == 1
    return values[1] @ values[0]


def _reduce(function: Function, values: Sequence[Array]) -> Array:
    assert function.attributes["reductionOpName"] == "Sum"
    assert function.attributes["axisVec"] == (Axis(AxisKind.STATIC, 0),)
    total: Array = np.sum(values[0], axis=-1, keepdims=True)
    return total


OPERATORS: Mapping[str, Callable[[Function, Sequence[Array]], Array]] = {
    "Reshape": _reshape,
    "Slice": _slice,
    "Splice": _splice,
    "Times": _times,
    "ReduceElements": _reduce,
    "Plus": lambda _, values: values[0] + values[1],
    "Minus": lambda _, values: values[0] - values[1],
    "ElementTimes": lambda _, values: values[0] * values[1],
    "Reciprocal": lambda _, values: 1 / values[0],
    "Log": lambda _, values: np.log(values[0]),
    "Abs": lambda _, values: np.abs(values[0]),
    "Sqrt": lambda _, values: np.sqrt(values[0]),
    "Negate": lambda _, values: -values[0],
    "SumAll": lambda _, values: values[0].sum(),
    "Pass": lambda _, values: values[0],
}


def evaluate(model: Model, name: str, **inputs: npt.ArrayLike) -> Array:
    """The value of the node ``name`` for one sample; ``inputs`` by uid."""
    producers = {output: function for function in model.functions.values() for output in function.outputs}
    aliases = {
        placeholder: argument
        for function in model.functions.values()
        if function.block is not None
        for placeholder, argument in function.block.arguments.items()
    }

    def value(uid: str) -> Array:
        uid = aliases.get(uid, uid)
        if uid in inputs:
            return np.asarray(inputs[uid], np.float64)
        if uid in producers:
            function = producers[uid]
            if function.block is not None:
                return value(model.functions[function.block.root].outputs[0])
            return OPERATORS[function.op](function, [value(source) for source in function.inputs])
        tensor = model.variables[uid].value
        assert tensor is not None
        return tensor.array().astype(np.float64)

    (function,) = (function for function in model.functions.values() if function.name == name)
    return value(function.outputs[0])
