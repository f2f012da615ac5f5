"""Goes through a model, node by node, with the smallest inputs; notes how much each node makes and how often bodies run."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bridge.package.interface import Interface
from bridge.runtime.admission.element_types import ELEMENT_TYPES
from bridge.runtime.admission.extents.contents import content_of
from bridge.runtime.admission.extents.known import MOST_CONTENT, UNKNOWN, Extents, Known, integers, of_content
from bridge.runtime.admission.extents.shapes import shape_of, width_of
from bridge.runtime.admission.extents.windows import WINDOWED, window_shape
from bridge.runtime.admission.model import Graph, Node, OnnxModel, Tensor, Value

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
    """``made`` is bytes at least, per node and trip; ``trips`` are the loops."""

    made: list[tuple[str, int]] = field(default_factory=list)
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

    def given(self, value: Value) -> Known:
        """An input of the model: of its stated shape, with every symbol at its minimum."""
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
                scope[tensor.name] = _constant(tensor)
        for value, known in zip(graph.inputs, given, strict=False):
            scope[value.name] = known
        for node in graph.nodes:
            self._node(node, scope, nesting)
        return [scope.get(value.name, UNKNOWN) for value in graph.outputs]

    def _node(self, node: Node, scope: _Scope, nesting: int) -> None:
        inputs = [scope.get(name, UNKNOWN) if name else None for name in node.inputs]
        results = self._with_body(node, inputs, scope, nesting) if node.bodies else [_result(node, inputs)]
        scope.update((name, known) for name, known in zip(node.outputs, results, strict=False) if name)
        self.found.made.append((node.where, sum(result.least_bytes for result in results)))

    def _with_body(self, node: Node, inputs: Sequence[Known | None], scope: _Scope, nesting: int) -> list[Known]:
        if node.operator == "Scan":
            return self._scan(node, inputs, scope, nesting)
        count = None
        if node.operator == "Loop":
            stated = integers(inputs[0]) if inputs else None
            count = None if stated is None else max(0, stated[0])
            self.found.trips.append(Trips(node.where, node.operator, count, nesting * (count or 1)))
        for body in node.bodies:
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
        made = self.graph(body, given, scope, nested)
        gathered = [
            Known(_with(known.shape, _listed(node, "scan_output_axes", index), count), known.width)
            for index, known in enumerate(made[states:])
        ]
        return [*(Known(known.shape, known.width) for known in made[:states]), *gathered]


def _result(node: Node, inputs: Sequence[Known | None]) -> Known:
    if node.operator == "Shape" and inputs and inputs[0] is not None:
        return _shape_as_content(node, inputs[0])
    if node.operator == "Constant" and (value := node.attribute("value")) is not None and value.tensors:
        return _constant(value.tensors[0])
    content = content_of(node, inputs)
    if content is not None:
        return of_content(content)
    shape = window_shape(node, inputs) if node.operator in WINDOWED else shape_of(node, inputs)
    return Known(shape, width_of(node, inputs))


def _shape_as_content(node: Node, value: Known) -> Known:
    start, end = node.attribute("start"), node.attribute("end")
    if value.shape is None:
        return Known((None,), 8)
    part = value.shape[start.integer if start is not None else None : end.integer if end is not None else None]
    known = [extent for extent in part if extent is not None]
    fitting = len(known) == len(part) and all(extent < 1 << 63 for extent in known)
    return of_content(np.array(known, np.int64)) if fitting else Known((len(part),), 8)


def _constant(tensor: Tensor) -> Known:
    """What is known of an initializer: all of it where it is small and in the file."""
    known = ELEMENT_TYPES.get(tensor.data_type)
    if known is None or any(extent < 0 for extent in tensor.dims):
        return UNKNOWN
    elements = math.prod(tensor.dims)
    if elements <= MOST_CONTENT and tensor.raw is not None and len(tensor.raw) == elements * known.itemsize:
        content = np.frombuffer(tensor.raw, known.newbyteorder("<")).astype(known)
        return of_content(content.reshape(tensor.dims))
    return Known(tensor.dims, known.itemsize)


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
