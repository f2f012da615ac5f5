"""Local functions: how many there are, and what they come to when every call is replaced by the body, as engines do it.

Each function that calls the one before twice doubles that: a thousand bytes of them keep an engine busy for hours.
"""

from __future__ import annotations

from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.model import Function, Node, nodes_within
from bridge.runtime.admission.subject import Subject

FUNCTIONS: Final = "functions"

_Key = tuple[str, str, str]


def check_functions(subject: Subject) -> None:
    """At most as many functions as are declared, each once, none within itself, all of them expanded within the bound."""
    functions, limits = subject.model.functions, subject.limits
    if len(functions) > limits.functions:
        raise RefusedModelError(
            FUNCTIONS, "the model", expected=f"at most {limits.functions} functions", found=str(len(functions))
        )
    by_key = {function.key: function for function in functions}
    if len(by_key) != len(functions):
        raise RefusedModelError(FUNCTIONS, "the model", expected="each function once", found="two of one name")
    costs: dict[_Key, int] = {}
    for function in functions:
        _cost(function, by_key, costs)
    total = _sum(subject.model.graph.nodes, costs)
    worst = max([total, *costs.values()])
    if worst > limits.expanded_nodes:
        raise RefusedModelError(
            FUNCTIONS, "the model", expected=f"at most {limits.expanded_nodes} nodes, functions expanded", found=_shown(worst)
        )


def _cost(function: Function, by_key: dict[_Key, Function], costs: dict[_Key, int]) -> None:
    """The expanded nodes of a function, with all that it calls; without recursion, which a long chain would exhaust."""
    open_calls: set[_Key] = set()
    stack = [function]
    while stack:
        current = stack[-1]
        if current.key in costs:
            stack.pop()
            continue
        open_calls.add(current.key)
        called = {_key(node) for node in nodes_within(current.nodes)} & by_key.keys() - costs.keys()
        if called & open_calls:
            raise RefusedModelError(FUNCTIONS, current.where, expected="functions that end", found="one that calls itself")
        if called:
            stack.extend(by_key[key] for key in called)
            continue
        costs[current.key] = _sum(current.nodes, costs)
        open_calls.discard(current.key)
        stack.pop()


def _sum(nodes: tuple[Node, ...], costs: dict[_Key, int]) -> int:
    return sum(1 + costs.get(_key(node), 0) for node in nodes_within(nodes))


def _key(node: Node) -> _Key:
    return node.domain, node.operator, node.overload


def _shown(count: int) -> str:
    return str(count) if count < 1 << 64 else f"about 2 to the power of {count.bit_length()}"
