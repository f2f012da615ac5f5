"""Which blocks are kept whole: those that one ONNX operator computes, recognised by name *and* by what is inside.

A block's name and attributes are free text, so the inside decides: a block called ``Softmax`` that holds anything but CNTK's own
softmax is dissolved like any other, and the axis is the one that the inside reduces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.graph.model import Attributes, Axis, AxisKind, Function, Model

_SHIFTED: Final = "Minus(x, Max(x))"
_INSIDES: Final[Mapping[str, frozenset[str]]] = {
    "Softmax": frozenset({f"ElementTimes(Exp({_SHIFTED}), Reciprocal(Sum(Exp({_SHIFTED}))))"}),
    "LogSoftmax": frozenset({f"Minus({_SHIFTED}, Log(Sum(Exp({_SHIFTED}))))", "Minus(x, LogSum(x))"}),
}
"""What is inside the blocks that are kept: ``x`` is the argument, a reduction stands there by its name."""

_DEEPEST: Final = 10
"""Functions on one path inside a block that are looked at; the insides above have 5."""
_NOT_IT: Final = "?"


def kept_blocks(model: Model) -> dict[str, Attributes]:
    """The blocks that become one node, by uid, each with the attributes of that node: the ``axis`` over which it works."""
    candidates = [f for f in model.functions.values() if f.block is not None and f.block.op_name in _INSIDES]
    if not candidates:
        return {}
    inside = _Inside(model)
    found: dict[str, Attributes] = {}
    for function in candidates:
        axis = inside.axis_of(function)
        if axis is not None:
            found[function.uid] = {"axis": axis}
    return found


class _Inside:
    """Writes the inside of a block as an expression of its argument."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._producers = {output: f for f in model.functions.values() for output in f.outputs}
        self._bindings = {p: a for f in model.functions.values() if f.block is not None for p, a in f.block.arguments.items()}
        self._axes: set[Axis] = set()

    def axis_of(self, function: Function) -> Axis | None:
        """The axis of a block that is to be kept; ``None`` for one that is to be dissolved."""
        block = function.block
        assert block is not None
        if len(block.arguments) != 1:
            return None
        self._axes.clear()
        expression = self._function(self._model.functions[block.root], next(iter(block.arguments)), 0)
        if expression not in _INSIDES[block.op_name] or len(self._axes) != 1:
            return None
        return next(iter(self._axes))

    def _value(self, uid: str, argument: str, depth: int) -> str:
        for _ in range(_DEEPEST):
            if uid == argument:
                return "x"
            if uid in self._producers:
                return self._function(self._producers[uid], argument, depth + 1)
            uid = self._bindings.get(uid, uid)
        return _NOT_IT

    def _function(self, function: Function, argument: str, depth: int) -> str:
        if depth > _DEEPEST or len(function.inputs) > 2:
            return _NOT_IT
        if function.block is not None:
            return self._function(self._model.functions[function.block.root], argument, depth + 1)
        operands = ", ".join(self._value(uid, argument, depth) for uid in function.inputs)
        return f"{self._operator(function)}({operands})"

    def _operator(self, function: Function) -> str:
        if function.op != "ReduceElements":
            return function.op
        axis, name = function.attributes.get("axis"), function.attributes.get("reductionOpName")
        single = isinstance(axis, Axis) and axis.kind is AxisKind.STATIC and "axisVec" not in function.attributes
        if not single or not isinstance(axis, Axis) or function.attributes.get("reductionKeepDimensions", True) is not True:
            return _NOT_IT
        self._axes.add(axis)
        return str(name)
