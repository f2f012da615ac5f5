"""The converted model as a PyTorch module, on the CPU or on a GPU."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from verify.equivalence.backends.interface import Array, BackendError, BackendIdentity, Port, RuntimeOptions


class PyTorch:
    """The folder of a PyTorch module. Making this runs the folder's ``model.py``: only for folders that one trusts.

    ``device`` is "cpu" or "cuda"; with ``tf32`` a GPU may multiply with ten bits of significand. ``BackendError`` where PyTorch
    will not run the module; the errors of ``bridge.load_torch`` where the folder is unsound.
    """

    def __init__(self, folder: Path, *, device: str = "cpu", tf32: bool = False, options: RuntimeOptions | None = None) -> None:
        from bridge.targets.pytorch.loading import load_torch

        module = load_torch(folder, allow_unsigned=True)
        if device == "cuda" and (reason := cuda_unavailable()):
            raise BackendError(reason)
        self._module = module.to(device)
        self._device, self._tf32 = device, tf32
        self._threads = None if options is None else options.threads
        interface = json.loads((folder / "interface.json").read_bytes())
        self.identity = self._describe()
        self.inputs = {port.name: port for port in map(_port, interface["inputs"])}
        self.outputs = {port.name: port for port in map(_port, interface["outputs"])}
        self.metadata: dict[str, str] = interface["metadata"]

    def _describe(self) -> BackendIdentity:
        """PyTorch, its version, the device, and how it was started."""
        import torch

        name = f"pytorch-{self._device}" + ("-tf32" if self._tf32 else "")
        stated = {"threads": "own" if self._threads is None else str(self._threads)}
        if self._device == "cuda":
            stated |= {"tf32": str(self._tf32).lower(), "gpu": torch.cuda.get_device_name()}
        return BackendIdentity(name, torch.__version__, "cuda:0" if self._device == "cuda" else self._device, stated)

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name."""
        import torch

        try:
            with torch.inference_mode(), _settings(self._threads, tf32=self._tf32):
                tensors = {name: torch.from_numpy(np.array(value, order="C")).to(self._device) for name, value in feeds.items()}
                results = self._module(**tensors)
                return {name: value.cpu().numpy() for name, value in results.items()}
        except Exception as error:  # Whatever generated code and PyTorch raise.
            raise BackendError(f"PyTorch does not run it: {_first_line(error)}") from error


def cuda_unavailable() -> str:
    """Why PyTorch cannot use a GPU here; empty where it can."""
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        return f"PyTorch {torch.__version__} is built without CUDA"
    return "" if torch.cuda.is_available() else "PyTorch finds no GPU"


@contextmanager
def _settings(threads: int | None, *, tf32: bool) -> Iterator[None]:
    """Number of threads and precision of products: PyTorch has one of each for the whole process, so they are put back."""
    import torch

    before = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    if threads is not None:
        torch.set_num_threads(threads)
    # The switches are off by our choice, not by a default: cuDNN's is on as PyTorch is installed.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before[1:]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _port(item: Mapping[str, Any]) -> Port:
    return Port(item["name"], np.dtype(item["dtype"]), tuple(item["shape"]), optional=bool(item["optional"]))
