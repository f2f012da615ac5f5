"""The network of a package, and what it is held against before it is trained."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from bridge.errors import InvalidOptionError, RefusedModelError
from bridge.harden.agreement import require_agreement, served
from bridge.harden.exporting import WAY_OUT
from bridge.harden.module_network import ModuleNetwork
from bridge.harden.network import Network, graph_network
from bridge.harden.parent import OnnxModel, Parent
from bridge.harden.samples import Array
from bridge.harden.torch_parent import TorchModel
from bridge.harden.twin import Twin, twin_of_graph, twin_of_source
from bridge.package.contents import ONNX_MODEL
from bridge.sealed import SealedSource
from verify.equivalence.backends.onnxruntime import OnnxRuntime

SOURCE_KEY = "cntk_bridge.source.sha256"


def network_of(parent: Parent, source: Path | None, feeds: Mapping[str, Array]) -> Network:
    """The network that is trained: of the CNTK file ``source``, of the package's own graph, or of its own module.

    It has the package's weights in every case, and computes what the package does on ``feeds``. Raises ``InvalidOptionError``
    where it does not, or where it cannot be served as ONNX.
    """
    model = parent.model
    if isinstance(model, TorchModel):
        own = _module_network(parent, model, feeds)
        if source is None:
            require_agreement(own.module(), _admitted(own, parent), feeds, own.outputs)
            return own
        network = graph_network(_twin_of_source(parent, source)).with_state(model.state())
        require_agreement(own.module(), _served(network), feeds, parent.interface.outputs)
        return network
    twin = _twin_of_source(parent, source) if source is not None else None
    network = graph_network(twin or twin_of_graph(model.graph(), parent.interface, parent.origin.name))
    require_agreement(network.module(), _engine(model), feeds, parent.interface.outputs)
    return network


def _module_network(parent: Parent, model: TorchModel, feeds: Mapping[str, Array]) -> ModuleNetwork:
    interface = parent.interface
    inputs = tuple(tensor for tensor in interface.inputs if tensor.name in feeds)
    return ModuleNetwork(
        model.source, model.class_name, model.state(), inputs, interface.outputs, feeds, model.readme, interface.metadata
    )


def _served(network: Network) -> OnnxRuntime:
    """What the network is exported as, in onnxruntime."""
    import onnx_ir as ir

    return served(bytes(ir.to_proto(network.served()).SerializeToString()))


def _admitted(network: Network, parent: Parent) -> OnnxRuntime:
    """The same, once the runtime has admitted it: what it will refuse need not be trained."""
    import onnx_ir as ir

    from bridge.runtime.admission.admitting import admit
    from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS

    data = bytes(ir.to_proto(network.served()).SerializeToString())
    try:
        admit(memoryview(data), {}, DEFAULT_RUNTIME_LIMITS.model, network.interface(parent.interface))
    except RefusedModelError as error:
        raise InvalidOptionError(f"the module is exported as a model that would not be served ({error}): {WAY_OUT}") from error
    return served(data)


def _twin_of_source(parent: Parent, path: Path) -> Twin:
    with SealedSource(path) as source:
        stated = parent.interface.metadata.get(SOURCE_KEY)
        if source.sha256() != stated:
            raise InvalidOptionError(
                f"{path} has the SHA-256 {source.sha256()}; the package was converted from a file with {stated}"
            )
        return twin_of_source(source.view, parent.interface, parent.origin.name)


def _engine(model: OnnxModel) -> OnnxRuntime:
    """The model as it is served, from the bytes that were admitted."""
    admitted = model.admitted
    if not admitted.external:
        return served(bytes(admitted.model))
    # The engine takes weights beside a model from files alone: they are written out, and gone when it has read them.
    with tempfile.TemporaryDirectory(prefix="bridge-harden-") as folder:
        for name, data in {ONNX_MODEL: admitted.model, **admitted.external}.items():
            (Path(folder) / name).write_bytes(data)
        return served(Path(folder) / ONNX_MODEL)
