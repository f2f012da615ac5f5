"""A converted model as a graph that can be trained: weights that may change, each its own, and a PyTorch module made of it.

From its source, the CNTK file, the model is lowered again, as for any PyTorch module: batch normalisation and dropout are layers
that train. Without the source the package's own graph is taken, where both are folded away already.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import InvalidOptionError
from bridge.harden.correspondence import TRAINED
from bridge.light_import import import_onnx_ir
from bridge.package.interface import Interface, Tensor

if TYPE_CHECKING:
    import onnx_ir as ir
    import torch

    from bridge.lower import LoweredModel
    from bridge.targets.pytorch.folder import WrittenFolder
    from bridge.targets.pytorch.translation import Names

_WEIGHTED: Final = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN", "BatchNormalization", "Add"})
"""Operators whose constants of more than one number are weights. Whatever else a graph holds is its own arithmetic."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A graph for training, and what its values are called. ``title`` becomes the name of the module's class."""

    lowered: LoweredModel
    names: Names
    title: str = "model"

    @property
    def model(self) -> ir.Model:
        """The graph."""
        return self.lowered.model

    def with_model(self, model: ir.Model) -> Twin:
        """The same with another graph of the same interface."""
        from dataclasses import replace

        return Twin(replace(self.lowered, model=model), self.names, self.title)

    def write(self, folder: Path) -> WrittenFolder:
        """Write the PyTorch module; raises ``WriteError``."""
        from bridge.targets.pytorch.folder import write_torch

        return write_torch(self.lowered, self.names, folder, title=self.title)

    def module(self) -> torch.nn.Module:
        """A new module with the graph's weights, in evaluation. Its code is that which was written just now, and nothing else."""
        from bridge.targets.pytorch.loading import load_torch

        with tempfile.TemporaryDirectory(prefix="bridge-harden-") as folder:
            self.write(Path(folder) / "twin")
            return load_torch(Path(folder) / "twin", allow_unsigned=True)


def twin_of_source(data: memoryview, interface: Interface, title: str) -> Twin:
    """The twin of a package with this ``interface``, from the bytes of its CNTK model file. Raises what a conversion raises."""
    import_onnx_ir()
    from bridge.conversion import lower_bytes
    from bridge.lower.options import LoweringOptions
    from bridge.targets.pytorch.cntk_names import names_of

    outputs = [tensor.name for tensor in interface.outputs if not tensor.lengths_of]
    model, lowered, _ = lower_bytes(data, outputs, LoweringOptions(fold=False, for_training=True))
    twin = Twin(lowered, names_of(model), title)
    _refuse_another_interface(twin, interface)
    return twin


def twin_of_graph(model: ir.Model, interface: Interface, title: str) -> Twin:
    """The twin of a package from its own graph, which is left as it is. Weights of float16 stay what they are."""
    import_onnx_ir()
    from bridge.lower import LoweredModel
    from bridge.lower.builder import PARAMETER_KEY, TRAINABLE_KEY
    from bridge.lower.report import LoweringReport
    from bridge.targets.pytorch.translation import Names

    copy = model.clone()
    _add_biases_apart(copy.graph)
    for name, value in copy.graph.initializers.items():
        readers = {use.node.op_type for use in value.uses()}
        if value.const_value is None or value.const_value.size < 2 or not readers <= _WEIGHTED or value.is_graph_input():
            continue
        if value.const_value.numpy().dtype in TRAINED:
            value.metadata_props.update({PARAMETER_KEY: name, TRAINABLE_KEY: "true"})
    ports = [tuple(_port(tensor) for tensor in tensors) for tensors in (interface.inputs, interface.outputs)]
    return Twin(LoweredModel(copy, ports[0], ports[1], LoweringReport()), Names(), title)


def serving_model(model: ir.Model) -> ir.Model:
    """A copy of a graph for training as it is served: without dropout, and without notes of where values come from."""
    copy = model.clone()
    for node in list(copy.graph):
        if node.op_type == "Dropout":
            source = node.inputs[0]
            assert source is not None
            node.outputs[0].replace_all_uses_with(source)
            copy.graph.remove(node, safe=True)
        else:
            node.metadata_props.clear()
    read = {value for node in _all_nodes(copy.graph) for value in node.inputs}
    for name, value in list(copy.graph.initializers.items()):
        value.metadata_props.clear()
        if value not in read and not value.is_graph_input() and not value.is_graph_output():
            del copy.graph.initializers[name]
    return copy


def _all_nodes(graph: ir.Graph) -> Any:
    from bridge.targets.pytorch.parameter_uses import all_nodes

    return all_nodes(graph)


def _add_biases_apart(graph: ir.Graph) -> None:
    """A convolution's bias as an addition behind it, as lowering for PyTorch writes it; runtimes put the two together again."""
    import onnx_ir as ir

    for node in list(graph):
        bias = node.inputs[2] if node.op_type in ("Conv", "ConvTranspose") and len(node.inputs) > 2 else None
        if bias is None or bias.const_value is None:
            continue
        kernel, result = node.inputs[1], node.outputs[0]
        assert kernel is not None
        assert kernel.shape is not None
        array = bias.const_value.numpy().reshape(-1, *[1] * (len(kernel.shape) - 2))
        label = f"{result.name}/bias"
        shaped = ir.Value(name=label, const_value=ir.Tensor(array, name=label), shape=ir.Shape(array.shape), type=bias.type)
        graph.initializers[label] = shaped
        node.resize_inputs(2)
        added = ir.node("Add", [result, shaped])
        result.replace_all_uses_with(added.outputs[0], replace_graph_outputs=True)
        added.replace_input_with(0, result)
        name = result.name
        result.name = f"{name}/convolved"
        added.outputs[0].name, added.outputs[0].type, added.outputs[0].shape = name, result.type, result.shape
        graph.insert_after(node, added)


def _port(tensor: Tensor) -> Any:
    from bridge.lower import PortType

    below = int(tensor.maximum) + 1 if tensor.dtype == "int64" and tensor.maximum is not None else None
    return PortType(tensor.name, tensor.name, tensor.dtype, tensor.shape, tensor.lengths_of, below)


def _refuse_another_interface(twin: Twin, interface: Interface) -> None:
    for what, ports, tensors in (
        ("inputs", twin.lowered.inputs, interface.inputs),
        ("outputs", twin.lowered.outputs, interface.outputs),
    ):
        made = {(port.name, port.dtype, len(port.shape)) for port in ports}
        wanted = {(tensor.name, tensor.dtype, len(tensor.shape)) for tensor in tensors}
        if made != wanted:
            raise InvalidOptionError(
                f"the source gives the {what} {sorted(made)}; the package has {sorted(wanted)}: leave out --source to train the "
                "package's own graph"
            )
