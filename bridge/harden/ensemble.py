"""Several networks as one graph: the mean of their logits, and where they disagree.

By itself an ensemble is no defence: it has to be attacked, and trained, as a whole. What it adds is the disagreement, the share
of members that would have decided otherwise, which is a sign of trouble that costs nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.errors import InvalidOptionError
from bridge.harden.twin import Twin
from bridge.light_import import import_onnx_ir

if TYPE_CHECKING:
    import onnx_ir as ir

DISAGREEMENT: Final = "disagreement"
"""The output that an ensemble adds: the logits' type and shape, but for the classes; from 0, where all decide as their mean."""


def ensemble(members: Sequence[ir.Model], output: str) -> ir.Model:
    """One model of ``members``, which differ in their weights alone: its ``output`` is the mean of theirs, ``[N, C]``.

    A second output, ``disagreement``, is the share of members whose class is not that of the mean. Members stay as they are.
    Raises ``InvalidOptionError`` for fewer than two, for members of different forms, and for an output of that name already.
    """
    import_onnx_ir()
    import onnx_ir as ir

    _refuse_unlike(members, output)
    copies = [_renamed(member.clone(), f"member{index}/") for index, member in enumerate(members)]
    first = copies[0]
    logits = [value for copy in copies for value in copy.graph.outputs if value.name == f"{copy.graph.name}{output}"]
    for copy in copies[1:]:
        _join(first.graph, copy.graph)
    shape, kind = logits[0].shape, logits[0].type
    assert shape is not None
    assert kind is not None
    axis = class_axis(list(shape))
    mean, disagreement = _Votes(first.graph, kind, axis).count(logits, output)
    mean.shape, mean.type = shape, kind
    disagreement.shape, disagreement.type = ir.Shape([*shape[:axis], *shape[axis + 1 :]]), kind
    first.graph.outputs[:] = [mean, disagreement]
    first.graph.name = members[0].graph.name
    return first


def ensemble_twin(twin: Twin, members: Sequence[ir.Model], output: str) -> Twin:
    """The twin of an ensemble of graphs that were trained from ``twin``."""
    from dataclasses import replace

    from bridge.lower import PortType

    lowered = twin.lowered
    joined = ensemble(members, output)
    voted = next(port for port in lowered.outputs if port.name == output)
    axis = class_axis(voted.shape)
    outputs = (voted, PortType(DISAGREEMENT, DISAGREEMENT, voted.dtype, (*voted.shape[:axis], *voted.shape[axis + 1 :])))
    return Twin(replace(lowered, model=joined, outputs=outputs), twin.names, twin.title)


def _refuse_unlike(members: Sequence[ir.Model], output: str) -> None:
    if len(members) < 2:
        raise InvalidOptionError(f"an ensemble of {len(members)}; expected two members or more")
    forms = {tuple(node.op_type for node in member.graph) for member in members}
    if len(forms) > 1:
        raise InvalidOptionError("the members of an ensemble are networks of one form")
    names = [value.name for value in members[0].graph.outputs]
    if output not in names or DISAGREEMENT in names:
        raise InvalidOptionError(
            f"an ensemble needs an output {output!r} and adds one called {DISAGREEMENT!r}; there are {names}"
        )


def class_axis(shape: Sequence[object]) -> int:
    """The axis of classes of an output ``[N, C]``, whose other axes, if there are more, are of extent 1.

    Raises ``InvalidOptionError`` for other outputs.
    """
    wide = [axis for axis, extent in enumerate(shape) if axis and extent != 1]
    if len(wide) != 1:
        raise InvalidOptionError(f"an ensemble votes on an output [N, C]; this one is {list(shape)}")
    return wide[0]


def _renamed(model: ir.Model, prefix: str) -> ir.Model:
    """Every name of the graph behind ``prefix``, but those of its inputs."""
    from bridge.lower.builder import PARAMETER_KEY
    from bridge.targets.pytorch.parameter_uses import all_nodes

    graph = model.graph
    graph.name = prefix
    inputs = set(graph.inputs)
    for name, value in list(graph.initializers.items()):
        if value not in inputs:
            del graph.initializers[name]
            value.name = f"{prefix}{name}"
            graph.initializers[value.name] = value
            if PARAMETER_KEY in value.metadata_props:  # By which a module knows its parameters: each member has its own.
                value.metadata_props[PARAMETER_KEY] = f"{prefix}{value.metadata_props[PARAMETER_KEY]}"
    for node in all_nodes(graph):
        node.name = f"{prefix}{node.name}" if node.name else node.name
        for value in node.outputs:
            value.name = f"{prefix}{value.name}"
    return model


def _join(graph: ir.Graph, other: ir.Graph) -> None:
    """Move the nodes and weights of ``other`` into ``graph``, which has inputs of the same names."""
    own = {value.name: value for value in graph.inputs}
    for value in other.inputs:
        value.replace_all_uses_with(own[value.name])
    inputs = {value.name for value in other.inputs}
    for name, value in list(other.initializers.items()):
        del other.initializers[name]
        if name not in inputs:
            graph.initializers[name] = value
    nodes = list(other)
    other.outputs.clear()
    for node in nodes:
        other.remove(node)
    graph.extend(nodes)


class _Votes:
    """The nodes that take the mean of some logits, and count who differs from it."""

    def __init__(self, graph: ir.Graph, kind: ir.TypeProtocol, axis: int) -> None:
        self.graph = graph
        self.kind = kind
        self.axis = axis

    def count(self, logits: Sequence[ir.Value], output: str) -> tuple[ir.Value, ir.Value]:
        """Mean ``[N, C]`` by the name of ``output``, and disagreement ``[N]``."""
        share = self._constant("share", 1 / len(logits))
        mean = self._apply("Mul", self._sum(logits), share, name=output)
        decided, *classes = (self._apply("ArgMax", own, axis=self.axis, keepdims=0) for own in (mean, *logits))
        agreeing = [self._apply("Cast", self._apply("Equal", own, decided), to=int(self.kind.dtype)) for own in classes]
        agreed = self._apply("Mul", self._sum(agreeing), share)
        return mean, self._apply("Sub", self._constant("one", 1.0), agreed, name=DISAGREEMENT)

    def _sum(self, values: Sequence[ir.Value]) -> ir.Value:
        total = values[0]
        for other in values[1:]:
            total = self._apply("Add", total, other)
        return total

    def _apply(self, operator: str, *inputs: ir.Value, name: str = "", **attributes: int) -> ir.Value:
        import onnx_ir as ir

        made = ir.node(operator, list(inputs), attributes=attributes)
        made.outputs[0].name = name or f"ensemble/{operator}{len(self.graph)}"
        self.graph.append(made)
        return made.outputs[0]

    def _constant(self, name: str, number: float) -> ir.Value:
        import onnx_ir as ir

        name = f"ensemble/{name}"
        tensor = ir.Tensor(np.asarray(number, self.kind.dtype.numpy()), name=name)
        value = ir.Value(name=name, const_value=tensor, shape=ir.Shape(()), type=self.kind)
        self.graph.initializers[name] = value
        return value
