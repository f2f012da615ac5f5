"""Strongly connected components: which nodes form a recurrence, and an order in which everything can be evaluated.

Tarjan's algorithm, iterative because the depth of a hostile graph is not bounded by Python's stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.errors import InvalidGraphError
from bridge.graph.network import Network, Node
from bridge.graph.operators import DELAYS


@dataclass(frozen=True, slots=True)
class Component:
    """Nodes that must be evaluated together: a single node, or a recurrence (``is_loop``)."""

    nodes: tuple[Node, ...]
    is_loop: bool


def components(network: Network, roots: Iterable[str]) -> list[Component]:
    """All components that ``roots`` (uids of nodes) need, producers before consumers.

    Raises ``InvalidGraphError`` for a cycle that passes no PastValue or FutureValue.
    """
    found: list[Component] = []
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[Node] = []
    on_stack: set[str] = set()
    for root in roots:
        if root in index:
            continue
        work: list[tuple[Node, list[Node], int]] = []
        _enter(network, network.nodes[root], index, low, stack, on_stack, work)
        while work:
            node, successors, position = work.pop()
            if position < len(successors):
                work.append((node, successors, position + 1))
                successor = successors[position]
                if successor.uid not in index:
                    _enter(network, successor, index, low, stack, on_stack, work)
                elif successor.uid in on_stack:
                    low[node.uid] = min(low[node.uid], index[successor.uid])
                continue
            if low[node.uid] == index[node.uid]:
                found.append(_close(node, stack, on_stack, network))
            if work:
                parent = work[-1][0].uid
                low[parent] = min(low[parent], low[node.uid])
    return found


def _enter(
    network: Network,
    node: Node,
    index: dict[str, int],
    low: dict[str, int],
    stack: list[Node],
    on_stack: set[str],
    work: list[tuple[Node, list[Node], int]],
) -> None:
    index[node.uid] = low[node.uid] = len(index)
    stack.append(node)
    on_stack.add(node.uid)
    work.append((node, list(network.predecessors(node)), 0))


def _close(node: Node, stack: list[Node], on_stack: set[str], network: Network) -> Component:
    members: list[Node] = []
    while True:
        member = stack.pop()
        on_stack.discard(member.uid)
        members.append(member)
        if member is node:
            break
    uids = {member.uid for member in members}
    loop = len(members) > 1 or any(p.uid == node.uid for p in network.predecessors(node))
    if loop and not any(member.op in DELAYS for member in members):
        raise InvalidGraphError("a cycle that passes no PastValue or FutureValue", node=node.uid)
    if loop:
        members = order_within(network, members, uids)
    return Component(tuple(members), loop)


def order_within(network: Network, members: list[Node], uids: set[str]) -> list[Node]:
    """Order the nodes of a recurrence for one step: delays first (they read the state), then producers before consumers."""
    ordered = [member for member in members if member.op in DELAYS]
    done = {member.uid for member in ordered}
    entered: set[str] = set()
    for member in sorted(members, key=lambda m: m.uid):
        work = [member]
        while work:
            current = work[-1]
            if current.uid in done:
                work.pop()
                continue
            waiting = [p for p in network.predecessors(current) if p.uid in uids and p.uid not in done]
            if not waiting:
                done.add(current.uid)
                ordered.append(current)
                work.pop()
            elif current.uid in entered:
                raise InvalidGraphError("a cycle that passes no PastValue or FutureValue", node=current.uid)
            else:
                entered.add(current.uid)
                work.extend(waiting)
    return ordered


def recurrences_first(network: Network, order: Sequence[Component]) -> list[Component]:
    """The same components with everything that no recurrence needs behind all recurrences.

    Producers still stand before consumers. Two directions over one sequence thus meet before anything reads either of them.
    """
    needed: set[str] = set()
    for component in reversed(order):
        if component.is_loop or any(node.uid in needed for node in component.nodes):
            needed.update(node.uid for node in component.nodes)
            needed.update(before.uid for node in component.nodes for before in network.predecessors(node))
    early = [component for component in order if component.nodes[0].uid in needed]
    return early + [component for component in order if component.nodes[0].uid not in needed]
