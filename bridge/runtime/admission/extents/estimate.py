"""Goes through a model, node by node, with the smallest inputs; notes how much each node makes and how often bodies run."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.package.interface import Interface
from bridge.runtime.admission.calls_table import CALLS
from bridge.runtime.admission.element_types import ELEMENT_TYPES
from bridge.runtime.admission.extents.known import UNKNOWN, Extents, Known, integers
from bridge.runtime.admission.extents.results import constant, results_of
from bridge.runtime.admission.model import Graph, Node, OnnxModel, Value

_Scope = ChainMap[str, Known]


@dataclass(frozen=True, slots=True)
class Trips:
    """How often the body of a node runs: ``count`` is ``None`` where that is not known; ``nested`` is with outer loops."""

    where: str
    operator: str
    count: int | None
    nested: int


@dataclass(slots=True)
class Estimate:
    """``made`` is bytes at least, per node and trip; ``trips`` are the loops.

    ``unsized`` are nodes of whose results an extent follows neither from what the file states nor from the values of inputs.
    """

    made: list[tuple[str, int]] = field(default_factory=list)
    unsized: list[str] = field(default_factory=list)
    trips: list[Trips] = field(default_factory=list)


def estimate(model: OnnxModel, interface: Interface | None) -> Estimate:
    """What the nodes of the main graph and of all bodies make at least, for the smallest inputs of the interface."""
    walk = _Walk(interface)
    given = [walk.given(value) for value in model.graph.inputs]
    walk.graph(model.graph, given, ChainMap(), 1)
    return walk.found


class _Walk:
    def __init__(self, interface: Interface | None) -> None:
        self.found = Estimate()
        self._symbols = interface.symbols if interface is not None else {}
        self._varying: set[str] = set()

    def given(self, value: Value) -> Known:
        """An input of the model: of its stated shape, with every symbol at its minimum."""
        self._varying.add(value.name)
        known = ELEMENT_TYPES.get(value.element_type)
        width = 4 if known is None else known.itemsize
        if value.shape is None:
            return Known(None, width)
        return Known(tuple(self._least(extent) for extent in value.shape), width)

    def _least(self, extent: int | str | None) -> int | None:
        if isinstance(extent, str):
            bound = self._symbols.get(extent)
            return 1 if bound is None else max(1, bound.minimum)
        return extent

    def graph(self, graph: Graph, given: Sequence[Known], outer: _Scope, nesting: int) -> list[Known]:
        """The outputs of a graph or body, each node looked at once."""
        scope = outer.new_child()
        names = {value.name for value in graph.inputs}
        for tensor in graph.initializers:
            if tensor.name not in names:
                scope[tensor.name] = constant(tensor)
        for value, known in zip(graph.inputs, given, strict=False):
            scope[value.name] = known
        for node in graph.nodes:
            self._node(node, scope, nesting)
        return [scope.get(value.name, UNKNOWN) for value in graph.outputs]

    def _node(self, node: Node, scope: _Scope, nesting: int) -> None:
        inputs = [scope.get(name, UNKNOWN) if name else None for name in node.inputs]
        results = self._with_body(node, inputs, scope, nesting) if node.bodies else results_of(node, inputs)
        scope.update((name, known) for name, known in zip(node.outputs, results, strict=False) if name)
        self.found.made.append((node.where, sum(result.least_bytes for result in results)))
        self._note_unsized(node, results)

    def _note_unsized(self, node: Node, results: Sequence[Known]) -> None:
        """Sizes may be unknown where they depend on values that a caller gives, and on nothing else."""
        sized = all(result.is_sized for result in results)
        varies = not self._varying.isdisjoint(node.inputs)
        if node.operator == "Shape" and results[0].content is not None:
            varies = False
        if node.operator not in CALLS:
            varies = True  # Declared by whoever runs the model, and not followed.
        if not sized and not varies:
            self.found.unsized.append(node.where)
        (self._varying.update if varies else self._varying.difference_update)(node.outputs)

    def _with_body(self, node: Node, inputs: Sequence[Known | None], scope: _Scope, nesting: int) -> list[Known]:
        if node.operator == "Scan":
            return self._scan(node, inputs, scope, nesting)
        count = None
        if node.operator == "Loop":
            stated = integers(inputs[0]) if inputs else None
            count = None if stated is None else max(0, stated[0])
            self.found.trips.append(Trips(node.where, node.operator, count, nesting * (count or 1)))
        for body in node.bodies:
            self._varying.update(value.name for value in body.inputs)  # Which are not followed either.
            self.graph(body, [UNKNOWN] * len(body.inputs), scope, nesting * (count or 1))
        return [UNKNOWN] * len(node.outputs)

    def _scan(self, node: Node, inputs: Sequence[Known | None], scope: _Scope, nesting: int) -> list[Known]:
        """A Scan takes states, then what it goes along; it makes states, and what it has gathered."""
        stated, [body, *_] = node.attribute("num_scan_inputs"), node.bodies
        scanned = max(0, min(len(inputs), stated.integer if stated is not None else 0))
        states = len(inputs) - scanned
        axes = [_listed(node, "scan_input_axes", index) for index in range(scanned)]
        along = [known if known is not None else UNKNOWN for known in inputs[states:]]
        extents = [known.axis(axis) for known, axis in zip(along, axes, strict=True)]
        count = max((extent for extent in extents if extent is not None), default=None)
        nested = nesting * max(1, count or 1)
        self.found.trips.append(Trips(node.where, node.operator, count, nested))
        given = [Known(known.shape, known.width) if known is not None else UNKNOWN for known in inputs[:states]]
        given += [Known(_without(known.shape, axis), known.width) for known, axis in zip(along, axes, strict=True)]
        for value, name in zip(body.inputs, node.inputs, strict=False):
            (self._varying.add if name in self._varying else self._varying.discard)(value.name)
        made = self.graph(body, given, scope, nested)
        if any(before.is_sized and before.shape != after.shape for before, after in zip(given[:states], made, strict=False)):
            self.found.unsized.append(f"a state of {node.where}")
        gathered = [
            Known(_with(known.shape, _listed(node, "scan_output_axes", index), count), known.width)
            for index, known in enumerate(made[states:])
        ]
        return [*(Known(known.shape, known.width) for known in made[:states]), *gathered]


def _listed(node: Node, name: str, index: int) -> int:
    attribute = node.attribute(name)
    return attribute.integers[index] if attribute is not None and index < len(attribute.integers) else 0


def _without(shape: Extents | None, axis: int) -> Extents | None:
    if shape is None or not -len(shape) <= axis < len(shape):
        return None
    place = axis % len(shape)
    return (*shape[:place], *shape[place + 1 :])


def _with(shape: Extents | None, axis: int, extent: int | None) -> Extents | None:
    if shape is None or not -len(shape) - 1 <= axis <= len(shape):
        return None
    place = axis % (len(shape) + 1)
    return (*shape[:place], extent, *shape[place:])
