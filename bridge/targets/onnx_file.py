"""Write a lowered graph as ``model.onnx``, with ``model.onnx.data`` beside it when the weights are many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import InvalidOptionError, WriteError
from bridge.targets.atomic import StagedFile, put_in_place
from bridge.targets.hashed_file import HashedFile
from bridge.targets.onnx_layout import DEFAULT_EXTERNAL_DATA_THRESHOLD, PROTOBUF_BYTES, Layout, lay_out
from bridge.targets.onnx_wire import (
    Initializer,
    external_initializer,
    inline_initializer,
    metadata,
    model_file_bytes,
    model_pieces,
    skeleton,
)
from bridge.targets.tensor_bytes import tensor_bytes
from bridge.targets.write_failures import explained

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["DEFAULT_EXTERNAL_DATA_THRESHOLD", "WrittenFile", "write_onnx"]

# What the model file holds besides the graph and the tensors' bytes, generously. For each initializer, besides its name: frames,
# type, dimensions, data location. For the metadata that are known late, besides the model's own.
_HEADER_BYTES = 1 << 10
_METADATA_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What was written. Hashes are SHA-256 as 64 hexadecimal digits; sizes are in bytes."""

    path: Path
    sha256: str
    size: int
    data_path: Path | None = None
    data_sha256: str | None = None
    data_size: int = 0


def write_onnx(
    model: ir.Model,
    destination: Path,
    *,
    external_data_threshold: int = DEFAULT_EXTERNAL_DATA_THRESHOLD,
    closing_metadata: Callable[[], Mapping[str, str]] | None = None,
) -> WrittenFile:
    """Write ``model`` to ``destination``, whole or not at all, and the same bytes every time.

    Beyond ``external_data_threshold`` bytes of initializers, and always where the file would be longer than protobuf allows,
    those of 1 KiB or more go to ``<destination>.data``. Tensors are read once, one after the other, and never gathered in
    memory. ``model`` is not changed. Raises ``WriteError``, after which both paths hold what they held before.

    ``closing_metadata`` is called when all weights are written, and its entries join ``model.metadata_props``: the place for what
    is known late, like the source's hash, which is computed meanwhile. What it raises stops the writing as any failure does.
    """
    if external_data_threshold < 0:
        raise InvalidOptionError(f"external_data_threshold is {external_data_threshold}; expected a number of bytes, 0 or more")
    location = _location(destination)
    tensors = _initial_values(model)
    parts = skeleton(model)
    reserved = _METADATA_BYTES + len(metadata(model.metadata_props))
    layout = _layout(tensors, parts.size + reserved, external_data_threshold)
    initializers = {name: _initializer(name, tensor, location, layout) for name, tensor in tensors.items()}
    _refuse_too_long(destination, model_file_bytes(parts, initializers) + reserved)

    def late() -> bytes:
        return metadata({**model.metadata_props, **(closing_metadata() if closing_metadata else {})})

    with explained(destination), ExitStack() as stack:
        data = stack.enter_context(StagedFile(destination.with_name(location))) if layout.offsets else None
        file = stack.enter_context(StagedFile(destination))
        data_sha256 = _write_data(data, tensors, layout) if data else None
        size, sha256 = _write_model(file, model_pieces(parts, initializers), late)
        put_in_place([data, file] if data else [file])
    if data is None:
        return WrittenFile(destination, sha256, size)
    return WrittenFile(destination, sha256, size, data.destination, data_sha256, layout.data_bytes)


def _refuse_too_long(destination: Path, size: int) -> None:
    if size > PROTOBUF_BYTES:
        raise WriteError(
            f"cannot write '{destination}': even without its large tensors the model takes {size} bytes, "
            f"and protobuf allows {PROTOBUF_BYTES}; convert a part of it, with outputs=[...]"
        )


def _location(destination: Path) -> str:
    """The name of the data file, as the model file is to state it."""
    name = destination.name
    if name in {"", ".."}:
        raise WriteError(f"cannot write '{destination}': it names a folder; name a file in it")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise WriteError(f"cannot write {str(destination)!r}: the file's name is not valid UTF-8; choose another") from error
    if "\0" in str(destination):
        raise WriteError(f"cannot write {str(destination)!r}: no path can hold a zero character")
    return f"{name}.data"


def _initial_values(model: ir.Model) -> dict[str, ir.TensorProtocol]:
    values = {}
    for name, value in model.graph.initializers.items():
        if value.const_value is None:
            raise ValueError(f"initializer {name!r} has no value")
        values[name] = value.const_value
    return values


def _layout(tensors: Mapping[str, ir.TensorProtocol], other_bytes: int, threshold: int) -> Layout:
    headers = sum(len(name.encode()) + _HEADER_BYTES for name in tensors)
    sizes = [(name, tensor.nbytes) for name, tensor in tensors.items()]
    return lay_out(sizes, other_bytes + headers, threshold)


def _initializer(name: str, tensor: ir.TensorProtocol, location: str, layout: Layout) -> Initializer:
    if name in layout.offsets:
        return external_initializer(name, tensor, location, layout.offsets[name])
    return inline_initializer(name, tensor)


def _write_data(file: StagedFile, tensors: Mapping[str, ir.TensorProtocol], layout: Layout) -> str:
    with HashedFile(file.descriptor) as out:
        for name, offset in layout.offsets.items():
            out.write(bytes(offset - out.size))
            out.write(tensor_bytes(tensors[name]))
        return out.finish()


def _write_model(file: StagedFile, pieces: Iterable[bytes | ir.TensorProtocol], end: Callable[[], bytes]) -> tuple[int, str]:
    """Bytes and SHA-256 of the file. ``end`` is called last: it may wait for what takes as long as all the writing."""
    with HashedFile(file.descriptor) as out:
        for piece in pieces:
            out.write(piece if isinstance(piece, bytes) else tensor_bytes(piece))
        out.write(end())
        return out.size, out.finish()
