"""A network of a PyTorch module whose graph is not at hand: the module itself is trained, and exported in the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.errors import InvalidOptionError
from bridge.harden.ensemble import DISAGREEMENT, class_axis
from bridge.harden.exporting import OPSET, exported
from bridge.harden.samples import Array
from bridge.package.contents import INTERFACE, ONNX_MODEL, TORCH_README, TORCH_SOURCE, TORCH_WEIGHTS
from bridge.package.interface import Interface, Tensor

if TYPE_CHECKING:
    import onnx_ir as ir
    import torch

ENSEMBLE_CLASS: Final = "EnsembleOfModules"

_ENSEMBLE: Final = '''

class {name}(nn.Module):
    """{count} networks: the mean of their scores, and the share of them that decides otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList([{member}() for _ in range({count})])

    def forward(self, {arguments}) -> dict[str, Tensor]:
        found = [member({given})[{output!r}] for member in self.members]
        mean = sum(found[1:], found[0]) / {count}
        decided = mean.argmax(dim={axis})
        agreeing = [(own.argmax(dim={axis}) == decided).to(mean.dtype) for own in found]
        return {{{output!r}: mean, {disagreement!r}: 1 - sum(agreeing[1:], agreeing[0]) / {count}}}
'''


@dataclass(frozen=True, slots=True)
class ModuleNetwork:
    """``source`` is a ``model.py`` that something vouches for, since it is run; ``state`` the weights of its class.

    ``inputs`` are those that ``feeds``, some samples, hold: the others are left out when the network is served.
    """

    source: bytes
    class_name: str
    state: Mapping[str, Array]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    feeds: Mapping[str, Array]
    readme: bytes = b""
    metadata: Mapping[str, str] = field(default_factory=dict)

    def module(self) -> torch.nn.Module:
        """The module that the source defines."""
        from bridge.targets.pytorch.loading import module_of

        return module_of(self.source, self._weights(), self.class_name, Path("twin"))

    def retrained(self, module: torch.nn.Module) -> ModuleNetwork:
        """The same module with other weights."""
        return replace(self, state={name: tensor.detach().numpy().copy() for name, tensor in module.state_dict().items()})

    def joined(self, members: Sequence[ModuleNetwork], output: str) -> ModuleNetwork:
        """A module of several, its class behind theirs in the source."""
        names = [self.class_name, *(tensor.name for tensor in self.inputs)]
        if not all(name.isidentifier() for name in names):
            raise InvalidOptionError(f"an ensemble is written in Python, where one of {names} is no name")
        chosen = next(tensor for tensor in self.outputs if tensor.name == output)
        axis = class_axis(chosen.shape)
        arguments = ", ".join(f"{tensor.name}: Tensor" for tensor in self.inputs)
        added = _ENSEMBLE.format(
            name=ENSEMBLE_CLASS,
            member=self.class_name,
            count=len(members),
            arguments=arguments,
            given=", ".join(f"{tensor.name}={tensor.name}" for tensor in self.inputs),
            output=output,
            axis=axis,
            disagreement=DISAGREEMENT,
        )
        state = {
            f"members.{number}.{name}": array for number, member in enumerate(members) for name, array in member.state.items()
        }
        disagreement = Tensor(DISAGREEMENT, chosen.dtype, (*chosen.shape[:axis], *chosen.shape[axis + 1 :]))
        return replace(
            self, source=self.source + added.encode(), class_name=ENSEMBLE_CLASS, state=state, outputs=(chosen, disagreement)
        )

    def served(self) -> ir.Model:
        """The module as PyTorch exports it."""
        return exported(self.module(), self.feeds, self.inputs, self.outputs)

    def write(self, folder: Path) -> None:
        """The source as it was, with the new weights."""
        from bridge.targets.pytorch.folder import FORMAT

        folder.mkdir()
        files = {
            TORCH_SOURCE: self.source,
            TORCH_WEIGHTS: self._weights(),
            **({TORCH_README: self.readme} if self.readme else {}),
        }
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        ports = [[_port(tensor) for tensor in tensors] for tensors in (self.inputs, self.outputs)]
        described = {
            "format": FORMAT,
            "class": self.class_name,
            "inputs": ports[0],
            "outputs": ports[1],
            "sha256": digests,
            "metadata": dict(self.metadata),
        }
        files[INTERFACE] = json.dumps(described, indent=1, ensure_ascii=False).encode() + b"\n"
        for name, data in files.items():
            (folder / name).write_bytes(data)

    def interface(self, parent: Interface) -> Interface:
        """That of an ONNX model with the inputs that were given, all of them needed now."""
        return replace(
            parent,
            kind="onnx",
            model_files=(ONNX_MODEL,),
            inputs=tuple(replace(tensor, optional=False) for tensor in self.inputs),
            outputs=self.outputs,
            opset=OPSET,
            class_name="",
            losses=(),
        )

    def _weights(self) -> bytes:
        from bridge.targets.pytorch.safetensors_file import safetensors_pieces

        aligned = dict(sorted(self.state.items(), key=lambda item: -item[1].dtype.itemsize))
        pieces = safetensors_pieces({name: np.ascontiguousarray(array) for name, array in aligned.items()}, {"format": "pt"})
        return b"".join(bytes(piece) for piece in pieces)


def _port(tensor: Tensor) -> dict[str, object]:
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape), "optional": tensor.optional}
