"""The converted model as a PyTorch module on the CPU."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from verify.equivalence.backends import Array, BackendError, Port


class PyTorchCpu:
    """The folder of a PyTorch module. Making this runs the folder's ``model.py``: only for folders that one trusts.

    ``BackendError`` where PyTorch will not run the module; the errors of ``bridge.load_torch`` where the folder is unsound.
    """

    def __init__(self, folder: Path) -> None:
        from bridge.targets.pytorch.loading import load_torch

        self._module = load_torch(folder, allow_unsigned=True)
        interface = json.loads((folder / "interface.json").read_bytes())
        self._inputs = {port.name: port for port in map(_port, interface["inputs"])}
        self._outputs = {port.name: port for port in map(_port, interface["outputs"])}
        self._metadata: dict[str, str] = interface["metadata"]

    @property
    def name(self) -> str:
        """The runtime and its version."""
        import torch

        return f"PyTorch {torch.__version__} CPU"

    @property
    def inputs(self) -> Mapping[str, Port]:
        """Everything that the module takes."""
        return self._inputs

    @property
    def outputs(self) -> Mapping[str, Port]:
        """Everything that it returns."""
        return self._outputs

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the converter wrote about the source."""
        return self._metadata

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name."""
        import torch

        tensors = {name: torch.from_numpy(np.array(value, order="C")) for name, value in feeds.items()}
        try:
            with torch.inference_mode():
                results = self._module(**tensors)
        except Exception as error:  # Whatever generated code and PyTorch raise.
            raise BackendError(f"PyTorch does not run it: {str(error).strip().splitlines()[0]}") from error
        return {name: value.numpy() for name, value in results.items()}


def _port(item: Mapping[str, Any]) -> Port:
    return Port(item["name"], np.dtype(item["dtype"]), tuple(item["shape"]), optional=bool(item["optional"]))
