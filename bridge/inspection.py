"""What a CNTK model file holds, without converting it: the answer of ``bridge inspect``. Nothing in the file is run."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bridge.graph.model import NUMPY_TYPES, DataType, Hazard, Model, Variable, VariableKind
from bridge.graph.network import function_outputs
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.sealed import SealedSource
from bridge.source import read_model


@dataclass(frozen=True, slots=True)
class InspectedInput:
    """An input as the file states it; ``shape`` is the static part, row-major, ``None`` where the file leaves it open."""

    name: str
    uid: str
    dtype: str
    shape: tuple[int, ...] | None
    dynamic_axes: tuple[str, ...]
    sparse: bool


@dataclass(frozen=True, slots=True)
class InspectedNode:
    """A function of the file: an operator application, or a block of them."""

    uid: str
    operator: str  # of a block, what the block calls itself
    name: str
    is_block: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """How many tensors there are, and how large they are together."""

    tensors: int
    elements: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds. ``outputs`` are the nodes whose outputs the root function gives, labels and losses included."""

    path: Path
    file_bytes: int
    sha256: str
    format: str
    format_version: str
    name: str
    inputs: tuple[InspectedInput, ...]
    outputs: tuple[InspectedNode, ...]
    operators: Mapping[str, int]
    blocks: Mapping[str, int]
    parameters: Weights
    constants: Weights
    hazards: tuple[Hazard, ...]
    nodes: tuple[InspectedNode, ...]

    def to_json(self, *, nodes: bool = False) -> dict[str, Any]:
        """Everything in JSON's types, the list of nodes only where asked for."""
        document = asdict(self)
        document["path"] = str(self.path)
        if not nodes:
            del document["nodes"]
        return document


def inspect(source: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Inspection:
    """Read a CNTK model of either format and describe it; ``SourceError`` where it is not one."""
    path = Path(source)
    with SealedSource(path, limits) as sealed:
        return _describe(path, sealed, read_model(sealed.view, limits))


def _describe(path: Path, sealed: SealedSource, model: Model) -> Inspection:
    nodes = {function.uid: _node(model, function.uid) for function in model.functions.values()}
    producers = {output: node for node in nodes.values() for output in node.outputs}
    root = model.functions[model.root]
    outputs = dict.fromkeys(producers[uid] for uid in function_outputs(model, root) if uid in producers)
    return Inspection(
        path=path,
        file_bytes=sealed.size,
        sha256=sealed.sha256(),
        format=model.format,
        format_version=model.format_version,
        name=model.name,
        inputs=tuple(_input(variable) for variable in model.variables.values() if variable.kind is VariableKind.INPUT),
        outputs=tuple(outputs),
        operators=_histogram(node.operator for node in nodes.values() if not node.is_block),
        blocks=_histogram(node.operator for node in nodes.values() if node.is_block),
        parameters=_weights(model, VariableKind.PARAMETER),
        constants=_weights(model, VariableKind.CONSTANT),
        hazards=(*model.hazards, *_user_code(model)),
        nodes=tuple(nodes.values()),
    )


def _node(model: Model, uid: str) -> InspectedNode:
    function = model.functions[uid]
    operator = function.block.op_name if function.block is not None else function.op
    return InspectedNode(uid, operator, function.name, function.block is not None, function.inputs, function.outputs)


def _input(variable: Variable) -> InspectedInput:
    axes = tuple(axis.name or axis.kind.value for axis in variable.dynamic_axes)
    dtype = _element_name(variable.data_type)
    return InspectedInput(variable.name, variable.uid, dtype, variable.shape, axes, variable.is_sparse)


def _histogram(operators: Iterable[str]) -> dict[str, int]:
    """Counts by operator, the most frequent first."""
    return dict(sorted(Counter(operators).items(), key=lambda entry: (-entry[1], entry[0])))


def _weights(model: Model, kind: VariableKind) -> Weights:
    values = [variable.value for variable in model.variables.values() if variable.kind is kind and variable.value is not None]
    sizes = [(math.prod(tensor.shape), _element_bytes(tensor.data_type)) for tensor in values]
    return Weights(len(values), sum(elements for elements, _ in sizes), sum(elements * width for elements, width in sizes))


def _element_name(data_type: DataType) -> str:
    """The type as numpy calls it, as results and golden cases do; CNTK's own word where numpy has none."""
    stored = NUMPY_TYPES.get(data_type)
    return data_type.name.lower() if stored is None else stored.name


def _element_bytes(data_type: DataType) -> int:
    stored = NUMPY_TYPES.get(data_type)
    return 1 if stored is None else stored.itemsize


def _user_code(model: Model) -> tuple[Hazard, ...]:
    """User-defined functions, unless the reader has already listed them."""
    listed = {hazard.subject for hazard in model.hazards}
    return tuple(
        Hazard(
            "user code", function.uid, f"{function.user_code.op_name} of {function.user_code.module}: {function.user_code.symbol}"
        )
        for function in model.user_functions
        if function.user_code is not None and function.uid not in listed
    )
