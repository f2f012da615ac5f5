"""A recurrence as data: its states, what it reads from outside, what the outside reads from it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.graph import attributes
from bridge.graph.components import Component
from bridge.graph.network import Node
from bridge.graph.operators import DELAYS
from bridge.graph.types import TensorType
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse
from bridge.lower.value import Extent


@dataclass(frozen=True, slots=True)
class State:
    """What crosses from one step to the next: ``delay`` reads ``source`` (a uid of the loop) ``offset`` steps late."""

    delay: Node
    source: str
    initial: str
    offset: int


@dataclass(frozen=True, slots=True)
class Loop:
    """A recurrence taken apart.

    ``nodes`` are in the order of one step; ``visible`` are the uids that something outside reads; ``reverse`` runs from the end.
    """

    nodes: tuple[Node, ...]
    states: tuple[State, ...]
    sequences: tuple[str, ...]  # uids of outside values with a sequence axis, in order of first use
    visible: frozenset[str]
    reverse: bool
    extent: Extent

    @classmethod
    def read(cls, ctx: Lowering, component: Component) -> Loop:
        """Take a component apart. Raises ``Refuse`` for a loop that runs in both directions, or over nothing."""
        own = {uid for node in component.nodes for uid in node.outputs}
        delays = [node for node in component.nodes if node.op in DELAYS]
        if len({node.op for node in delays}) > 1:
            raise Refuse("a recurrence that runs forwards and backwards at once")
        members = {node.uid for node in component.nodes}
        states = tuple(_state(node) for node in delays)
        initial = {state.initial for state in states}
        if not initial.isdisjoint(own):
            raise Refuse("a recurrence whose initial state depends on the recurrence itself")
        outside = dict.fromkeys(
            uid
            for node in component.nodes
            for uid in node.inputs
            if uid not in own and not (uid in initial and node.op in DELAYS)
        )
        sequences = tuple(uid for uid in outside if ctx.value(uid).extent is not None)
        return cls(
            nodes=component.nodes,
            states=states,
            sequences=sequences,
            visible=frozenset(uid for uid in own if _is_visible(ctx, uid, members)),
            reverse=delays[0].op == "FutureValue",
            extent=_extent(ctx, sequences, component),
        )

    def step_type(self, ctx: Lowering, uid: str) -> TensorType:
        """The type of a value within one step: no sequence axis."""
        found = ctx.type_of(uid)
        return found.with_axes(found.axes[:1])


def _state(node: Node) -> State:
    offset = attributes.integer(node, "offset", 1)
    if offset < 1:
        raise Refuse(f"{node.uid} delays by {offset} steps; expected at least 1")
    return State(node, node.inputs[0], node.inputs[1], offset)


def _is_visible(ctx: Lowering, uid: str, members: set[str]) -> bool:
    if uid in ctx.requested:
        return True
    return any(reader.uid in ctx.needed and reader.uid not in members for reader in ctx.network.consumers.get(uid, ()))


def _extent(ctx: Lowering, sequences: tuple[str, ...], component: Component) -> Extent:
    """How long the loop runs: as long as the sequences it reads; those on its own axis first."""
    own = ctx.type_of(component.nodes[0].outputs[0]).axes
    ordered = sorted(sequences, key=lambda uid: ctx.type_of(uid).axes != own)
    for uid in ordered:
        extent = ctx.value(uid).extent
        if extent is not None:
            return extent
    raise Refuse("a recurrence that reads no sequence: nothing says how long it runs")
