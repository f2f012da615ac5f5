"""Which outputs blocks and user functions have: a file says so only indirectly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import Function
from bridge.graph.operators import USER_DEFINED
from bridge.limits import Limits
from bridge.source.v2.functions import output_uid

_OUTPUT = re.compile(r"(.+)_Output_(0|[1-9][0-9]{0,5})", re.DOTALL)


def complete_outputs(functions: Mapping[str, Function], limits: Limits) -> dict[str, Function]:
    """``functions`` with the outputs of blocks and user functions filled in.

    A block has the outputs of its inner root: as many as a ``Combine`` has inputs, as many as a nested block has. A user function
    has those that others name, and at least one.
    """
    roots = _innermost_roots(functions)
    named = _named_outputs(functions, roots)
    result = dict(functions)
    total = len(functions)
    for uid, function in functions.items():
        if uid in named:
            outputs = tuple(output_uid(uid, index) for index in sorted(named[uid]) or (0,))
        elif uid in roots:
            count = _count_outputs(functions[roots[uid]])
            _check_total(total + count, function, limits)
            outputs = tuple(output_uid(uid, index) for index in range(count))
        else:
            continue
        total += len(outputs)
        result[uid] = replace(function, outputs=outputs)
    return result


def _count_outputs(root: Function) -> int:
    return len(root.inputs) if root.op == "Combine" else len(root.outputs)


def _check_total(total: int, function: Function, limits: Limits) -> None:
    """Many blocks around one wide ``Combine`` would multiply: a small file could ask for billions of outputs."""
    if total > limits.variables:
        raise LimitExceededError("outputs", limit=limits.variables, actual=total, offset=function.offset, field=function.uid)


def _innermost_roots(functions: Mapping[str, Function]) -> dict[str, str]:
    """By the uid of each block: the first root that is not a block, going inwards. Each block is walked through once."""
    roots: dict[str, str] = {}
    for start, function in functions.items():
        uid, current = start, function
        path: dict[str, None] = {}
        while current.block is not None and uid not in roots:
            if uid in path:
                raise InvalidModelError("a block contains itself", offset=current.offset, field=uid)
            path[uid] = None
            uid = current.block.root
            if uid not in functions:
                raise InvalidModelError(
                    "the root of a block is not in the list of functions",
                    offset=current.offset,
                    field=current.uid,
                    found=repr(uid[:80]),
                )
            current = functions[uid]
        roots.update(dict.fromkeys(path, roots.get(uid, uid)))
    return roots


def _named_outputs(functions: Mapping[str, Function], roots: Mapping[str, str]) -> dict[str, set[int]]:
    """By the uid of each user function, and of each block around one: the indices of outputs that others name of either."""
    opaque = {uid for uid, function in functions.items() if function.op == USER_DEFINED}
    opaque |= {block for block, root in roots.items() if root in opaque}
    named: dict[str, set[int]] = {uid: set() for uid in opaque}
    if not opaque:
        return named
    for function in functions.values():
        references = (*function.inputs, *function.block.arguments.values()) if function.block else function.inputs
        for reference in references:
            match = _OUTPUT.fullmatch(reference)
            if match and match[1] in named:
                named[match[1]].add(int(match[2]))
    for block, root in roots.items():
        if root in opaque:  # what others name of a block, its inside has, and so have the blocks between
            named[root] |= named[block]
    return {uid: named[roots.get(uid, uid)] for uid in named}
