"""Which blocks are kept whole: those that one ONNX operator computes, recognised by name *and* by what is inside.

A block's name is free text, so the inside decides: a block called ``Softmax`` that holds anything but CNTK's own softmax is dissolved
like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bridge.graph.model import Function, Model, VariableKind

_INSIDES: Mapping[str, tuple[Counter[str], ...]] = {
    "Softmax": (Counter({"ReduceElements": 2, "Minus": 1, "Exp": 1, "Reciprocal": 1, "ElementTimes": 1}),),
    "LogSoftmax": (Counter({"ReduceElements": 1, "Minus": 1}), Counter({"ReduceElements": 2, "Minus": 2, "Exp": 1, "Log": 1})),
}


def is_kept(model: Model, function: Function) -> bool:
    """Whether a block function becomes one node."""
    block = function.block
    if block is None or block.op_name not in _INSIDES or len(block.arguments) != 1:
        return False
    return _inside(model, function) in _INSIDES[block.op_name]


def _inside(model: Model, function: Function) -> Counter[str]:
    """The primitive operators inside a block, inner blocks dissolved; at most 64 functions are looked at."""
    assert function.block is not None
    producers = {output: f for f in model.functions.values() for output in f.outputs}
    found: Counter[str] = Counter()
    seen: set[str] = set()
    stack = [model.functions[function.block.root]]
    while stack and len(seen) < 64:  # noqa: PLR2004
        current = stack.pop()
        if current.uid in seen:
            continue
        seen.add(current.uid)
        if current.block is not None:
            stack.append(model.functions[current.block.root])
        elif current.op != "Combine":
            found[current.op] += 1
        for uid in current.inputs:
            leaf = model.variables.get(uid)
            if uid in producers and (leaf is None or leaf.kind is not VariableKind.PLACEHOLDER):
                stack.append(producers[uid])
    return found
