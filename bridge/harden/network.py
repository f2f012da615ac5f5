"""What is trained: something that gives modules to train, takes their weights back, and is served as one ONNX file.

A network of a graph knows for each weight where in the graph it belongs: nothing is traced, and names, shapes and interface stay
what they were. A network of a module, for the package of a PyTorch model whose source is not at hand, is exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from bridge.errors import InvalidOptionError
from bridge.harden.correspondence import Correspondence, correspondence, with_weights
from bridge.harden.ensemble import ensemble_twin
from bridge.harden.samples import Array
from bridge.harden.twin import Twin, serving_model
from bridge.package.contents import ONNX_MODEL
from bridge.package.interface import Interface, Tensor

if TYPE_CHECKING:
    import onnx_ir as ir
    import torch


class Network(Protocol):
    """A network with its weights. It never changes: training makes new ones."""

    def module(self) -> torch.nn.Module:
        """A new module with the weights, in evaluation; parameters that cannot be written back do not train."""
        ...

    def retrained(self, module: torch.nn.Module) -> Self:
        """The same with the weights of a module that ``module`` gave. Raises ``InvalidOptionError`` where they do not go back."""
        ...

    def joined(self, members: Sequence[Self], output: str) -> Network:
        """An ensemble of networks that were trained from this one; see ``bridge.harden.ensemble``."""
        ...

    def served(self) -> ir.Model:
        """The ONNX model. Raises ``InvalidOptionError`` where the network cannot be exported."""
        ...

    def write(self, folder: Path) -> None:
        """Write the PyTorch module; raises ``WriteError``."""
        ...

    def interface(self, parent: Interface) -> Interface:
        """The interface of the ONNX model, of a network whose package has the interface ``parent``."""
        ...


@dataclass(frozen=True, slots=True)
class GraphNetwork:
    """A network of a graph."""

    twin: Twin
    correspondence: Correspondence

    def module(self) -> torch.nn.Module:
        """A module of the graph as PyTorch writes it."""
        module = self.twin.module()
        places = self.correspondence.places
        for name, parameter in module.named_parameters():
            if name not in places or places[name].made:
                parameter.requires_grad = False
        return module

    def retrained(self, module: torch.nn.Module) -> GraphNetwork:
        """The graph with the weights of ``module``."""
        return self.with_state({name: tensor.detach().numpy() for name, tensor in module.state_dict().items()})

    def with_state(self, state: dict[str, Array]) -> GraphNetwork:
        """The graph with the weights of a state dict. Raises ``InvalidOptionError`` for that of another module."""
        own = self.twin.module().state_dict()
        unlike = [name for name in {*own, *state} if name not in own or name not in state or own[name].shape != state[name].shape]
        if unlike:
            raise InvalidOptionError(
                f"the package's weights are not those of a module of its source, as {min(unlike)!r} shows: leave out --source"
            )
        weights = self.correspondence.weights(state, self.twin.model.graph)
        return replace(self, twin=self.twin.with_model(with_weights(self.twin.model, weights)))

    def joined(self, members: Sequence[GraphNetwork], output: str) -> GraphNetwork:
        """One graph of several."""
        return graph_network(ensemble_twin(self.twin, [member.twin.model for member in members], output))

    def served(self) -> ir.Model:
        """The graph as it is served."""
        return serving_model(self.twin.model)

    def write(self, folder: Path) -> None:
        """The module of the graph."""
        self.twin.write(folder)

    def interface(self, parent: Interface) -> Interface:
        """The parent's interface as that of an ONNX model, with the outputs that an ensemble adds."""
        known = {tensor.name: tensor for tensor in parent.outputs}
        ports = self.twin.lowered.outputs
        outputs = tuple(known.get(port.name) or Tensor(port.name, port.dtype, port.shape) for port in ports)
        return replace(
            parent,
            kind="onnx",
            model_files=(ONNX_MODEL,),
            outputs=outputs,
            opset=self.twin.model.graph.opset_imports[""],
            class_name="",
            losses=(),
        )


def graph_network(twin: Twin) -> GraphNetwork:
    """The network of a twin. Raises ``InvalidOptionError`` where a tensor of its module is no plain copy of the weights."""
    return GraphNetwork(twin, correspondence(twin.model, twin.names))
