"""Runs the type rules over a network, recurrences included."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from bridge.errors import InvalidGraphError
from bridge.graph.components import Component
from bridge.graph.inference.rule import RULES
from bridge.graph.model import FREE, INFERRED, Axis, AxisKind, Variable
from bridge.graph.network import Network, Node
from bridge.graph.operators import DELAYS
from bridge.graph.types import TensorType, in_one_type, ordered_axes
from bridge.limits import DEFAULT_LIMITS, Limits

Types = dict[str, TensorType]
"""Types by uid, of leaves and of node outputs."""

_ROUNDS = 24
"""Rounds over one recurrence before it is called contradictory; real ones settle in two or three."""


def infer(network: Network, order: Iterable[Component], limits: Limits = DEFAULT_LIMITS, folded: Collection[Axis] = ()) -> Types:
    """Types of all leaves, and of all outputs of the nodes in ``order`` (producers before consumers).

    The sequence axes in ``folded`` are left out of the types of inputs (see ``bridge.graph.axes``).

    Raises ``InvalidGraphError``, naming the node, where operands do not fit. Operators without a rule are left out, with all that
    depends on them: lowering reports those.
    """
    types: Types = {}
    for uid, leaf in network.leaves.items():
        known = _leaf_type(leaf, folded)
        if known is not None:
            types[uid] = known
    unknown: set[str] = set()
    for component in order:
        if any(node.op not in RULES or not unknown.isdisjoint(node.inputs) for node in component.nodes):
            unknown.update(output for node in component.nodes for output in node.outputs)
        elif component.is_loop:
            _infer_loop(component, types, limits)
        else:
            _infer_node(component.nodes[0], types, limits, complete=True)
    return types


def _leaf_type(leaf: Variable, folded: Collection[Axis]) -> TensorType | None:
    if leaf.shape is None:
        return None
    axes = ordered_axes([a for a in leaf.dynamic_axes if a.kind in (AxisKind.BATCH, AxisKind.SEQUENCE) and a not in folded])
    # An input of an unfinished model takes whatever it is given, as one with a free dimension does.
    return TensorType(leaf.data_type, tuple(FREE if dim == INFERRED else dim for dim in leaf.shape), axes)


def _infer_loop(component: Component, types: Types, limits: Limits) -> None:
    """Repeat the rules over the members until nothing changes; state starts out unknown, then as its initial value.

    A type that rests on an unknown operand is a guess. A contradiction between guesses says nothing, so it is passed over; once
    every operand is known, a last round takes all of them at their word.
    """
    for seeded in (False, True):
        _settle(component, types, limits)
        missing = [node for node in component.nodes if any(output not in types for output in node.outputs)]
        if not missing:
            for node in component.nodes:
                _infer_node(node, types, limits, complete=True)
            return
        if not seeded:
            _seed_from_initial_states(missing, types)
    raise InvalidGraphError("the shape of this recurrence cannot be inferred", node=missing[0].uid)


def _settle(component: Component, types: Types, limits: Limits) -> None:
    guesses: set[str] = set()
    for _ in range(_ROUNDS):
        changed = False
        for node in component.nodes:
            guessing = any(uid not in types or uid in guesses for uid in node.inputs)
            try:
                changed |= _infer_node(node, types, limits, complete=False)
            except InvalidGraphError:
                if not guessing:
                    raise
                continue
            (guesses.update if guessing else guesses.difference_update)(node.outputs)
        if not changed:
            return
    raise InvalidGraphError("the shapes of this recurrence contradict each other", node=component.nodes[0].uid)


def _seed_from_initial_states(nodes: Sequence[Node], types: Types) -> None:
    for node in nodes:
        if node.op in DELAYS and len(node.inputs) > 1 and node.inputs[1] in types:
            types.setdefault(node.outputs[0], types[node.inputs[1]])


def _infer_node(node: Node, types: Types, limits: Limits, *, complete: bool) -> bool:
    """Apply the node's rule; says whether anything new was learnt."""
    operands = [types.get(uid) for uid in node.inputs]
    if complete and None in operands:
        missing = node.inputs[operands.index(None)]
        raise InvalidGraphError(f"the shape of {missing} is not known", node=node.uid)
    found = RULES[node.op](node, _in_one_type(operands))
    if found is None:
        return False
    results = found if isinstance(found, tuple) else (found,)
    changed = False
    for uid, result in zip(node.outputs, results, strict=False):
        _check_size(node, result, limits)
        if types.get(uid) != result:
            types[uid] = result
            changed = True
    return changed


def _in_one_type(operands: Sequence[TensorType | None]) -> Sequence[TensorType | None]:
    """``bridge.graph.types.in_one_type`` of the operands that are known."""
    known = [operand for operand in operands if operand is not None]
    if len({operand.data_type for operand in known}) < 2:
        return operands
    coerced = iter(in_one_type(known))
    return [None if operand is None else next(coerced) for operand in operands]


def _check_size(node: Node, result: TensorType, limits: Limits) -> None:
    if result.rank > limits.rank:
        raise InvalidGraphError(f"yields {result.rank} static dimensions; at most {limits.rank} are allowed", node=node.uid)
    elements = 1
    for dim in result.shape:
        elements *= max(dim, 1)
        if elements > limits.inferred_elements:
            raise InvalidGraphError(
                f"yields {result}, over {limits.inferred_elements} elements per sample; "
                "raise Limits.inferred_elements if it is genuine",
                node=node.uid,
            )
