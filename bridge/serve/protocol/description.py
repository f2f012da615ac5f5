"""What is told about a model and about the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bridge.package.interface import Bound, Interface, Tensor
from bridge.runtime.served import ModelIdentity
from bridge.serve.protocol.datatypes import protocol_name
from bridge.version import __version__

SERVER_NAME: Final = "cntk-bridge"
EXTENSIONS: Final = ("binary_tensor_data", "model_identity")
PLATFORM: Final = "onnxruntime_onnx"


def server_description() -> dict[str, Any]:
    """The answer to ``GET /v2``."""
    return {"name": SERVER_NAME, "version": __version__, "extensions": list(EXTENSIONS)}


def model_description(name: str, interface: Interface, identity: ModelIdentity, versions: Sequence[str]) -> dict[str, Any]:
    """The answer to ``GET /v2/models/NAME``, where ``name`` is what this server calls the model. Symbolic dimensions are -1.

    ``parameters`` say who vouches for it, as texts: digest, signer, level of the sandbox, bounds of symbols.
    """
    return {
        "name": name,
        "versions": list(versions),
        "platform": PLATFORM,
        "inputs": [_tensor(tensor) for tensor in interface.inputs],
        "outputs": [_tensor(tensor) for tensor in interface.outputs],
        "parameters": identity_parameters(interface, identity),
    }


def identity_parameters(interface: Interface, identity: ModelIdentity) -> dict[str, str]:
    """Who vouches for the model, how it is isolated and guarded, and how far its symbolic dimensions reach."""
    return {
        "root_digest": f"sha256:{identity.root_digest}" if identity.root_digest else "",
        "signer": identity.signer,
        "sandbox": identity.sandbox,
        **_guards(identity),
        "optional_inputs": ",".join(tensor.name for tensor in interface.inputs if tensor.optional),
        **{f"symbol.{name}": _range(bound) for name, bound in interface.symbols.items()},
    }


def _guards(identity: ModelIdentity) -> dict[str, str]:
    if not identity.guards:
        return {}
    return {"guards": ",".join(identity.guards), "guards_sha256": f"sha256:{identity.guards_sha256}"}


def _range(bound: Bound) -> str:
    return f"{bound.minimum}..{bound.maximum} {bound.meaning}"


def _tensor(tensor: Tensor) -> dict[str, Any]:
    shape = [extent if isinstance(extent, int) else -1 for extent in tensor.shape]
    return {"name": tensor.name, "datatype": protocol_name(tensor.dtype), "shape": shape}
