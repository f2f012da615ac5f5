"""The converted ONNX graph, taken apart: its parts between any values, as models of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx

from bridge.origins import VALUES_KEY, Origin, decode_origins
from verify.equivalence.backends import Array, BackendError, Port

_MADE = "/made"


@dataclass(frozen=True, slots=True)
class Part:
    """Some nodes as a model of their own, what it is fed, and under which names it makes what values."""

    model: onnx.ModelProto
    feeds: dict[str, Array]
    names: dict[str, str]


class ConvertedGraph:
    """A converted model's main graph. Weights that lie in a file beside the model stay there until a part is written.

    Raises ``BackendError`` for what is no ONNX model or has no map of its values, ``InvalidPackageError`` for a damaged map.
    """

    def __init__(self, model: Path | bytes) -> None:
        self.folder = model.parent if isinstance(model, Path) else None
        self._title = str(model) if isinstance(model, Path) else "the model"
        try:
            data = model.read_bytes() if isinstance(model, Path) else model
            self.model = onnx.ModelProto.FromString(data)
        except Exception as error:  # Protobuf's own exception shares no base with those of files.
            raise BackendError(f"{self._title}: cannot be read as an ONNX model: {error}") from error
        self.nodes = list(self.model.graph.node)
        self.producers = {name: k for k, node in enumerate(self.nodes) for name in node.output if name}
        self.initializers = {tensor.name: tensor for tensor in self.model.graph.initializer}
        self._check_weights_beside()
        self.outputs = [value.name for value in self.model.graph.output]

    @property
    def metadata(self) -> dict[str, str]:
        """What the converter wrote about the model."""
        return {entry.key: entry.value for entry in self.model.metadata_props}

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """The values that are variables of CNTK, in the order of computation; those that the graph no longer has left out."""
        text = self.metadata.get(VALUES_KEY)
        if text is None:
            raise BackendError(
                f"{self._title}: its metadata do not say which values are which of CNTK's ({VALUES_KEY!r} is missing); "
                "convert the source again"
            )
        return tuple(o for o in decode_origins(text) if o.value in self.producers or o.value in self.initializers)

    @cached_property
    def ports(self) -> dict[str, Port]:
        """What the graph takes, by name."""
        return {value.name: self._port(value) for value in self.model.graph.input}

    def before(self, wanted: Iterable[str], cuts: Collection[str]) -> list[int]:
        """The nodes that ``wanted`` need, by number in order, as far back as the values in ``cuts``.

        A wanted value that is itself a cut is computed all the same.
        """
        found: set[int] = set()
        pending = [self.producers[name] for name in wanted if name in self.producers]
        while pending:
            number = pending.pop()
            if number in found:
                continue
            found.add(number)
            read = values_read(self.nodes[number])
            pending.extend(self.producers[name] for name in read if name in self.producers and name not in cuts)
        return sorted(found)

    def part(self, numbers: Sequence[int], feeds: Mapping[str, Array], wanted: Sequence[str]) -> Part:
        """The nodes ``numbers`` as a model that takes ``feeds``, as far as they are read, and makes ``wanted``.

        A value may be fed and made at once: what is fed is what the nodes read. Weights beside the model's file are referred to
        as they are.
        """
        names = {name: name + _MADE if name in feeds or name in self.initializers else name for name in wanted}
        part = onnx.ModelProto(ir_version=self.model.ir_version, producer_name=self.model.producer_name)
        part.opset_import.extend(self.model.opset_import)
        part.functions.extend(self.model.functions)
        part.graph.name = "part"
        for number in numbers:
            node = part.graph.node.add()
            node.CopyFrom(self.nodes[number])
            node.output[:] = [names.get(name, name) for name in node.output]
        for name in wanted:
            if name in self.initializers:
                part.graph.node.add(op_type="Identity", input=[name], output=[names[name]])
        read = {name for node in part.graph.node for name in values_read(node)}
        fed = {name: array for name, array in feeds.items() if name in read and name not in names.keys() & self.initializers}
        part.graph.input.extend(_typed(name, array) for name, array in fed.items())
        constants = sorted(name for name in read - fed.keys() if name in self.initializers)
        part.graph.initializer.extend(self.initializers[name] for name in constants)
        part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names.values())
        return Part(part, fed, names)

    def _check_weights_beside(self) -> None:
        """A missing file would look like a fault of every layer that has weights."""
        external = [tensor for tensor in self.initializers.values() if tensor.data_location == tensor.EXTERNAL]
        names = {entry.value for tensor in external for entry in tensor.external_data if entry.key == "location"}
        if names and self.folder is None:
            raise BackendError("the model's weights lie in a file beside it: give its path, not its bytes")
        for name in sorted(names):
            if self.folder is not None and not (self.folder / name).is_file():
                raise BackendError(f"{self._title}: its weights lie in {name!r} beside it, which is missing")

    def _port(self, value: onnx.ValueInfoProto) -> Port:
        tensor = value.type.tensor_type
        try:
            dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        except KeyError as error:
            raise BackendError(f"{self._title}: input {value.name!r} is no tensor of numbers") from error
        shape = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in tensor.shape.dim)
        return Port(value.name, dtype, shape, optional=value.name in self.initializers)


def values_read(node: onnx.NodeProto) -> Iterator[str]:
    """The values that a node reads, those that its bodies read from outside included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        bodies = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
        for body in bodies:
            own = {value.name for value in body.input} | {tensor.name for tensor in body.initializer}
            own.update(name for inner in body.node for name in inner.output)
            read = [name for inner in body.node for name in values_read(inner)] + [value.name for value in body.output]
            yield from (name for name in read if name not in own)


def _typed(name: str, array: Array) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
