"""Tarjan's components: recurrences are found, everything has an order, cycles without a delay are refused."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidGraphError
from bridge.graph.components import Component, components
from bridge.graph.model import DataType, Function, Model, Variable, VariableKind
from bridge.graph.network import Network, dissolve

Edges = dict[str, tuple[str, ...]]
"""Operand nodes by node; ``x`` is an input. Nodes whose names start with ``d`` are delays."""


def network(edges: Edges) -> Network:
    functions = {
        uid: Function(uid, "PastValue" if uid.startswith("d") else "Plus", tuple(operands), (uid + "'",))
        for uid, operands in {
            uid: [f"{operand}'" if operand in edges else operand for operand in operands] for uid, operands in edges.items()
        }.items()
    }
    variables = {"x": Variable("x", VariableKind.INPUT, DataType.FLOAT, (2,))}
    return dissolve(Model("v2", "", next(iter(functions)), functions, variables))


def names(found: list[Component]) -> list[set[str]]:
    return [{node.uid for node in component.nodes} for component in found]


def reached(edges: Edges, start: str) -> set[str]:
    """The nodes that ``start`` needs, through at least one step."""
    seen: set[str] = set()
    stack = [start]
    while stack:
        for operand in edges[stack.pop()]:
            if operand in edges and operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return seen


def test_producers_come_before_consumers() -> None:
    found = components(network({"c": ("b", "a"), "b": ("a",), "a": ("x",)}), ["c"])
    assert names(found) == [{"a"}, {"b"}, {"c"}]
    assert not any(component.is_loop for component in found)


def test_what_no_root_needs_is_left_out() -> None:
    assert names(components(network({"a": ("x",), "b": ("a",)}), ["a"])) == [{"a"}]


def test_cycle_through_a_delay_is_one_loop() -> None:
    found = components(network({"out": ("sum",), "sum": ("x", "delay"), "delay": ("sum",)}), ["out"])
    assert [component.is_loop for component in found] == [True, False]
    assert names(found) == [{"sum", "delay"}, {"out"}]


def test_delay_of_itself_is_a_loop() -> None:
    (found,) = components(network({"delay": ("delay",)}), ["delay"])
    assert found.is_loop


def test_delay_without_a_cycle_is_no_loop() -> None:
    assert not any(component.is_loop for component in components(network({"d": ("a",), "a": ("x",)}), ["d"]))


def test_within_a_loop_delays_come_first_and_producers_before_consumers() -> None:
    edges: Edges = {"d2": ("c",), "a": ("d1", "x"), "b": ("a", "d2"), "c": ("b", "a"), "d1": ("c",)}
    (found,) = components(network(edges), ["c"])
    order = [node.uid for node in found.nodes]
    assert set(order[:2]) == {"d1", "d2"}
    assert order[2:] == ["a", "b", "c"]


@pytest.mark.parametrize("edges", [{"a": ("a",)}, {"a": ("b",), "b": ("a",)}])
def test_cycle_without_a_delay_is_refused_by_name(edges: Edges) -> None:
    with pytest.raises(InvalidGraphError, match="a cycle that passes no PastValue or FutureValue") as caught:
        components(network(edges), ["a"])
    assert caught.value.node in edges


def test_cycle_without_a_delay_inside_a_loop_is_refused_by_name() -> None:
    edges: Edges = {"a": ("d", "b"), "b": ("a",), "d": ("a",)}
    with pytest.raises(InvalidGraphError, match="a cycle that passes no PastValue or FutureValue") as caught:
        components(network(edges), ["a"])
    assert caught.value.node in {"a", "b"}


def test_chain_of_fifty_thousand_nodes_needs_no_recursion() -> None:
    count = 50_000
    edges: Edges = {f"n{k}": (f"n{k - 1}" if k else "x",) for k in range(count)}
    found = components(network(edges), [f"n{count - 1}"])
    assert [component.nodes[0].uid for component in found] == list(edges)


def test_loop_of_fifty_thousand_nodes_is_ordered_in_linear_time() -> None:
    count = 50_000
    edges: Edges = {f"n{k}": (f"n{k - 1}", "n0") if k else ("delay",) for k in range(count)}
    edges["delay"] = (f"n{count - 1}",)
    started = time.process_time()
    (found,) = components(network(edges), ["delay"])
    assert time.process_time() - started < 10
    assert [node.uid for node in found.nodes] == ["delay", *(f"n{k}" for k in range(count))]


@st.composite
def graphs(draw: st.DrawFn) -> Edges:
    """Graphs in which every cycle passes a delay: other nodes read delays, and nodes before them."""
    plain = [f"n{k}" for k in range(draw(st.integers(1, 6)))]
    delays = [f"d{k}" for k in range(draw(st.integers(0, 3)))]

    def operands(choices: list[str]) -> Iterator[str]:
        yield from draw(st.lists(st.sampled_from(choices), min_size=1, max_size=3))

    edges = {uid: tuple(operands(["x", *delays, *plain[:k]])) for k, uid in enumerate(plain)}
    return edges | {uid: tuple(operands([*plain, *delays])) for uid in delays}


@given(graphs())
def test_components_are_the_mutually_reachable_nodes_in_a_valid_order(edges: Edges) -> None:
    found = components(network(edges), list(edges))
    below = {uid: reached(edges, uid) for uid in edges}
    done: set[str] = set()
    for component in found:
        members = {node.uid for node in component.nodes}
        for uid in members:
            together = {other for other in below[uid] if uid in below[other]} | {uid}
            assert members == together
            assert component.is_loop == (uid in below[uid])
            assert below[uid] <= done | members
        done |= members
    assert done == set(edges)
