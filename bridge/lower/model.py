"""Lowers a whole network: inputs, nodes in order, recurrences, outputs; collects what cannot be lowered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx_ir as ir

from bridge.errors import InvalidGraphError, Refusal, UnsupportedOperatorsError
from bridge.graph.components import Component, components, recurrences_first
from bridge.graph.inference import Types
from bridge.graph.interface import Interface, Port, needed_nodes
from bridge.graph.model import FREE, Axis
from bridge.graph.network import Network, Node
from bridge.graph.operators import USER_DEFINED
from bridge.graph.types import TensorType
from bridge.lower.builder import OPSET, Builder, Constants, Names
from bridge.lower.dead_code import bodies, live_nodes, values_read
from bridge.lower.indexing import indexable_inputs
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.options import LoweringOptions
from bridge.lower.origins import origins_of
from bridge.lower.recurrence import lower_recurrence
from bridge.lower.registry import LOWERINGS, REFUSALS, Refuse
from bridge.lower.report import LoweringReport
from bridge.lower.value import Extent, Lowered
from bridge.origins import VALUES_KEY, Origin, encode_origins

IR_VERSION: Final = 8
"""The ONNX IR version that came with opset 17."""

FULL_LENGTH: Final = np.iinfo(np.int64).max
"""What ``lengths`` holds when the caller leaves it out: every sequence is as long as the padded batch."""


@dataclass(frozen=True, slots=True)
class PortType:
    """An input or output of the converted model as it is: ``shape`` has numbers and symbols.

    ``lengths_of`` is the symbol of the sequence axis whose true lengths it holds, empty for everything else. ``index_below`` is
    the number of classes where it holds indices instead of one-hot vectors.
    """

    name: str
    uid: str
    dtype: str
    shape: tuple[int | str, ...]
    lengths_of: str = ""
    index_below: int | None = None


@dataclass(frozen=True, slots=True)
class LoweredModel:
    """The converted graph, and what there is to say about it. ``origins``: which value holds which variable of CNTK."""

    model: ir.Model
    inputs: tuple[PortType, ...]
    outputs: tuple[PortType, ...]
    report: LoweringReport
    origins: tuple[Origin, ...] = ()


def evaluation_order(network: Network, interface: Interface) -> list[Component]:
    """What the interface's outputs need, producers before consumers."""
    roots = needed_nodes(network, [port.uid for port in interface.outputs])
    return recurrences_first(network, components(network, [node.uid for node in roots]))


def lower_model(
    network: Network, types: Types, order: Sequence[Component], interface: Interface, options: LoweringOptions
) -> LoweredModel:
    """Lower the part of ``network`` that ``order`` lists. Raises ``UnsupportedOperatorsError`` with everything that cannot be."""
    names = Names()
    for port in (*interface.inputs, *interface.outputs):
        names.reserve(port.name)
    constants = Constants(names)
    constants.traces = options.for_training
    report = LoweringReport()
    ctx = Lowering(network, types, Builder(constants, names), options, report)
    ctx.requested = frozenset(port.uid for port in interface.outputs)
    ctx.needed = frozenset(node.uid for component in order for node in component.nodes)
    inputs = _Inputs(ctx, interface)
    inputs.declare(order)
    poisoned: set[str] = set()
    for component in order:
        _lower_component(ctx, component, poisoned)
    if report.refusals:
        raise UnsupportedOperatorsError(report.refusals)
    outputs = _Outputs(ctx, inputs)
    for port in interface.outputs:
        outputs.add(port)
    nodes = live_nodes(ctx.builder.nodes, outputs.values)
    graph = ir.Graph(
        [*inputs.values, *inputs.lengths],
        outputs.values,
        nodes=nodes,
        initializers=_initializers(ctx.builder, nodes, outputs.values) + inputs.lengths,
        opset_imports={"": OPSET},
        name="cntk",
    )
    model = ir.Model(graph, ir_version=IR_VERSION, producer_name="cntk-bridge")
    origins = origins_of(ctx, order, nodes, outputs.carried)
    if not options.for_training:
        model.metadata_props[VALUES_KEY] = encode_origins(origins)
    return LoweredModel(model, (*inputs.ports, *inputs.lengths_ports), tuple(outputs.ports), report, origins)


def _lower_component(ctx: Lowering, component: Component, poisoned: set[str]) -> None:
    """Lower one component; what cannot be lowered is recorded, and what depends on it passed over."""
    refused = [refusal for node in component.nodes if (refusal := refusal_of(node)) is not None]
    ctx.report.refusals.extend(refused)
    if refused or any(uid in poisoned for node in component.nodes for uid in node.inputs):
        poisoned.update(uid for node in component.nodes for uid in node.outputs)
        return
    try:
        if component.is_loop:
            lower_recurrence(ctx, component)
        else:
            node = component.nodes[0]
            for uid, made in zip(node.outputs, ctx.run(LOWERINGS[node.op], node), strict=False):
                ctx.values[uid] = made
    except Refuse as refuse:
        first = component.nodes[0]
        ctx.report.refusals.append(Refusal(first.name or first.uid, first.op, refuse.reason, refuse.advice))
        poisoned.update(uid for node in component.nodes for uid in node.outputs)


def refusal_of(node: Node) -> Refusal | None:
    """Why a node's operator is not converted at all; ``None`` when it is."""
    if node.op in LOWERINGS:
        return None
    known = REFUSALS.get(node.op)
    if known is not None:
        return Refusal(node.name or node.uid, node.op, known.reason, known.advice)
    reason = "user code, which is never loaded" if node.op == USER_DEFINED else "there is no such operator in CNTK 2.7"
    return Refusal(node.name or node.uid, node.op, reason, "ask for an output that does not need it")


def _initializers(builder: Builder, nodes: Sequence[ir.Node], outputs: Sequence[ir.Value]) -> list[ir.Value]:
    """Initializers that something reads, in the order in which they were made."""
    read = set(outputs)
    for node in nodes:
        read.update(value for value in node.inputs if value is not None)
        for body in bodies(node):
            read |= values_read(body)
    return [value for value in builder.constants.values.values() if value in read]


def symbol(text: str) -> str:
    """``text`` as part of the name of a symbolic dimension."""
    return re.sub(r"\W", "_", text)


class _Inputs:
    """Declares the graph's inputs: one per argument, and the true lengths of each sequence axis."""

    def __init__(self, ctx: Lowering, interface: Interface) -> None:
        self.ctx = ctx
        self.interface = interface
        self.values: list[ir.Value] = []
        self.lengths: list[ir.Value] = []
        self.ports: list[PortType] = []
        self.lengths_ports: list[PortType] = []
        self.extents: dict[Axis, Extent] = {}
        types = [ctx.type_of(port.uid) for port in interface.inputs]
        self._sequence_axes = list(dict.fromkeys(known.axes[1] for known in types if known.is_sequence))

    def declare(self, order: Sequence[Component]) -> None:
        """Make all inputs, and the lengths of their axes."""
        indexed = indexable_inputs(self.ctx, self.interface, order)
        for port in self.interface.inputs:
            known = self.ctx.type_of(port.uid)
            value = self._input(port, known, indexed=port.uid in indexed)
            extent = None
            if known.is_sequence:
                if known.axes[1] not in self.extents:
                    self.extents[known.axes[1]] = self._extent(known.axes[1], value)
                extent = self.extents[known.axes[1]]
            self.ctx.values[port.uid] = Lowered(value, known, extent)
            if port.uid in indexed:
                self.ctx.indexed[port.uid] = value

    def _input(self, port: Port, known: TensorType, *, indexed: bool) -> ir.Value:
        static = known.shape[:-1] if indexed else known.shape
        shape = [*self._dynamic(known), *(f"{symbol(port.name)}_{i}" if d == FREE else d for i, d in enumerate(static))]
        dtype = ir.DataType.INT64 if indexed else ONNX_TYPES[known.data_type]
        value = ir.Value(name=port.name, shape=ir.Shape(shape), type=ir.TensorType(dtype))
        self.values.append(value)
        classes = known.shape[-1] if indexed else None
        self.ports.append(PortType(port.name, port.variable_uid, dtype.numpy().name, tuple(shape), index_below=classes))
        return value

    def _dynamic(self, known: TensorType) -> list[str]:
        return (
            ["N", self._steps_symbol(known.axes[1])][: known.dynamic_rank] if known.is_sequence else ["N"][: known.dynamic_rank]
        )

    def _steps_symbol(self, axis: Axis) -> str:
        return "T" if len(self._sequence_axes) == 1 else f"T_{symbol(axis.name)}"

    def _extent(self, axis: Axis, value: ir.Value) -> Extent:
        b = self.ctx.builder
        name = b.names.unique("lengths" if len(self._sequence_axes) == 1 else f"{axis.name}_lengths")
        lengths = ir.Value(name=name, shape=ir.Shape([f"{symbol(name)}_or_1"]), type=ir.TensorType(ir.DataType.INT64))
        lengths.const_value = ir.Tensor(np.array([FULL_LENGTH], np.int64), name=name)
        self.lengths.append(lengths)
        self.lengths_ports.append(PortType(name, "", "int64", ("N",), lengths_of=self._steps_symbol(axis)))
        b.scope = name
        steps = b.op("Shape", value, start=1, end=2)
        own = b.op("Expand", b.op("Min", lengths, steps), b.op("Shape", value, start=0, end=1))
        return Extent(own, steps)


class _Outputs:
    """Declares the graph's outputs, padded steps zeroed, with the lengths of sequence axes that the model itself makes."""

    def __init__(self, ctx: Lowering, inputs: _Inputs) -> None:
        self.ctx = ctx
        self.inputs = inputs
        self.values: list[ir.Value] = []
        self.ports: list[PortType] = []
        self.carried: list[tuple[Port, ir.Value]] = []  # the interface's outputs alone, without lengths
        self._carriers: set[ir.Value] = set()
        self._given = {id(extent) for extent in inputs.extents.values()}

    def add(self, port: Port) -> None:
        """Declare one output under its public name."""
        known = self.ctx.value(port.uid)
        if known.value is None:
            raise InvalidGraphError("the output carries no value", node=port.uid)
        self.ctx.builder.scope = port.name
        value = self._own(known, port.name)
        shape: list[int | str] = ["N", *self._steps(known)] if known.type.axes else []
        shape += [f"{symbol(port.name)}_{i}" if dim < 0 else dim for i, dim in enumerate(known.type.shape)]
        self.carried.append((port, value))
        self._declare(value, PortType(port.name, port.variable_uid, _numpy_name(known.type), tuple(shape)))
        if known.extent is not None and id(known.extent) not in self._given:
            name = self.ctx.builder.names.unique(f"{port.name}_lengths")
            made = self.ctx.builder.unfolded("Identity", known.extent.lengths)
            self._declare(made, PortType(name, "", "int64", ("N",), lengths_of=str(shape[1])))

    def _own(self, known: Lowered, name: str) -> ir.Value:
        """A value that can carry the output's name: made by a node, and no output yet.

        An input that is asked for by its own name is handed through as it is: a name belongs to one value.
        """
        if known.value.name == name and known.value in self.inputs.values:
            return known.value
        value = self.ctx.masked(known)
        if value.producer() is None or value in self._carriers:
            value = self.ctx.builder.unfolded("Identity", value)
        self._carriers.add(value)
        return value

    def _steps(self, known: Lowered) -> list[str]:
        if not known.type.is_sequence:
            return []
        for axis, extent in self.inputs.extents.items():
            if extent is known.extent:
                return ["T" if len(self.inputs.extents) == 1 else f"T_{symbol(axis.name)}"]
        return [f"T_{symbol(known.type.axes[1].name)}"]

    def _declare(self, value: ir.Value, port: PortType) -> None:
        value.name = port.name
        value.shape = ir.Shape(port.shape)
        value.type = ir.TensorType(ir.DataType.from_numpy(np.dtype(port.dtype)))
        self.values.append(value)
        self.ports.append(port)


def _numpy_name(known: TensorType) -> str:
    return ONNX_TYPES[known.data_type].numpy().name
