"""The folder of a PyTorch model: ``model.py``, ``model.safetensors``, ``interface.json`` and ``README.md``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import WriteError
from bridge.targets.atomic import StagedFile, put_in_place
from bridge.targets.hashed_file import HashedFile
from bridge.targets.pytorch.building import Program, build
from bridge.targets.pytorch.module_file import function_names, module_text
from bridge.targets.pytorch.program import Region
from bridge.targets.pytorch.readme import readme
from bridge.targets.pytorch.safetensors_file import safetensors_pieces
from bridge.targets.pytorch.source import state_dict
from bridge.targets.pytorch.structure import class_name
from bridge.targets.pytorch.translation import Names
from bridge.targets.write_failures import explained

if TYPE_CHECKING:
    from bridge.lower import LoweredModel, PortType

MODEL: Final = "model.py"
WEIGHTS: Final = "model.safetensors"
INTERFACE: Final = "interface.json"
README: Final = "README.md"
FORMAT: Final = "cntk-bridge/pytorch/1"


@dataclass(frozen=True, slots=True)
class WrittenFolder:
    """What was written, and what ``forward`` takes and gives. Hashes are SHA-256 as 64 hexadecimal digits."""

    path: Path
    sha256: str
    data_path: Path
    data_sha256: str
    inputs: tuple[PortType, ...]
    outputs: tuple[PortType, ...]


def write_torch(
    lowered: LoweredModel,
    names: Names,
    destination: Path,
    *,
    title: str = "",
    losses: Sequence[str] = (),
    closing_metadata: Callable[[], Mapping[str, str]] | None = None,
) -> WrittenFolder:
    """Write the folder ``destination``; files of that name in it are replaced, others left alone.

    Raises ``WriteError``, after which the files hold what they held before. ``closing_metadata`` is called when the weights are
    written, and what it gives goes into ``interface.json``. ``losses`` are outputs that become functions beside the class.
    """
    program = build(lowered.model.graph, names, losses)
    root = program.root
    root.name = class_name(title, "Model")
    root.doc = _doc(title)
    inputs = tuple(port for port in lowered.inputs if port.name in root.input_ranks)
    outputs = tuple(port for port in lowered.outputs if port.name in root.outputs)
    source = module_text(program, f"{title or 'A model'}, converted from CNTK by cntk-bridge.").encode()
    tensors = tensors_of(root)
    with explained(destination):
        _make_folder(destination)
    with explained(destination), ExitStack() as stack:
        files = {name: stack.enter_context(StagedFile(destination / name)) for name in (MODEL, WEIGHTS, README, INTERFACE)}
        digests = {
            WEIGHTS: _write(files[WEIGHTS], safetensors_pieces(tensors, {"format": "pt"})),
            MODEL: _write(files[MODEL], [source]),
        }
        metadata = dict(closing_metadata()) if closing_metadata else {}
        labels = tuple(port for port in lowered.inputs if port not in inputs)
        text = readme(program, inputs, outputs, metadata, labels)
        digests[README] = _write(files[README], [text.encode()])
        described = _interface(program, inputs, outputs, digests, metadata)
        _write(files[INTERFACE], [json.dumps(described, indent=1, ensure_ascii=False).encode() + b"\n"])
        put_in_place(list(files.values()))
    return WrittenFolder(destination / MODEL, digests[MODEL], destination / WEIGHTS, digests[WEIGHTS], inputs, outputs)


def tensors_of(root: Region) -> dict[str, Any]:
    """The state dict, larger element types first so that all tensors are aligned."""
    found = {name: member.tensors[key].array for name, member, key in state_dict(root, {})}
    return dict(sorted(found.items(), key=lambda item: -item[1].dtype.itemsize))


def _doc(title: str) -> str:
    return f"The network of {title}." if title else "The network."


def _make_folder(destination: Path) -> None:
    if destination.exists() and not destination.is_dir():
        raise WriteError(f"cannot write '{destination}': it is a file; a PyTorch model is a folder")
    destination.mkdir(exist_ok=True)


def _write(file: StagedFile, pieces: Any) -> str:
    with HashedFile(file.descriptor) as out:
        for piece in pieces:
            out.write(piece)
        return out.finish()


def _interface(
    program: Program,
    inputs: tuple[PortType, ...],
    outputs: tuple[PortType, ...],
    digests: Mapping[str, str],
    metadata: Mapping[str, str],
) -> dict[str, object]:
    root = program.root
    optional = root.optional_names()

    def ports(given: tuple[PortType, ...]) -> list[dict[str, object]]:
        return [_port(port, optional=port.name in optional) for port in given]

    functions = function_names(program)
    losses = [
        {"name": region.outputs[0], "function": functions[region], "arguments": [region.names[ref] for ref in region.arguments]}
        for region in program.losses
    ]
    return {
        "format": FORMAT,
        "class": root.name,
        "inputs": ports(inputs),
        "outputs": ports(outputs),
        **({"losses": losses} if losses else {}),
        "sha256": dict(digests),
        "metadata": dict(metadata),
    }


def _port(port: PortType, *, optional: bool) -> dict[str, object]:
    return {"name": port.name, "dtype": port.dtype, "shape": list(port.shape), "optional": optional}


def digest(data: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
