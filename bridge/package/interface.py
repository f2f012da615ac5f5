"""``interface.json``: how a packaged model wants to be called, what may be asked of it, and what it may take to answer.

It is signed with the model, so that whoever serves it need not guess: a request is refused when a symbol leaves its bounds, a
value its range, or a call its limits. ``schemas/interface-1.schema.json`` is the published form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from bridge.errors import InvalidBundleError, InvalidPackageError
from bridge.trust.strict_json import JsonLimits, parse

FORMAT: Final = "cntk-bridge/interface/1"
INTERFACE_BYTES_AT_MOST: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Bound:
    """The least and the greatest extent of a symbolic dimension. ``meaning`` is batch, steps (of a sequence) or free."""

    minimum: int
    maximum: int
    meaning: str = "free"

    def to_json(self) -> dict[str, Any]:
        """The bound in JSON's types."""
        return {"minimum": self.minimum, "maximum": self.maximum, "meaning": self.meaning}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output: ``shape`` has numbers and symbols; see the schema for the rest.

    ``lengths_of`` and ``lengths`` tie padded sequences to the tensor that holds their true lengths: one entry per sequence of the
    batch, from 1 to the extent of the axis.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    optional: bool = False
    lengths_of: str = ""
    lengths: str = ""
    finite: bool = False
    minimum: float | None = None
    maximum: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The tensor in JSON's types; what does not apply is left out."""
        said: dict[str, Any] = {"name": self.name, "dtype": self.dtype, "shape": list(self.shape), "optional": self.optional}
        said |= {name: value for name, value in (("lengths_of", self.lengths_of), ("lengths", self.lengths)) if value}
        said["finite"] = self.finite
        return said | {name: value for name, value in (("minimum", self.minimum), ("maximum", self.maximum)) if value is not None}


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """What one call may take: wall-clock seconds, and bytes of all inputs and of all outputs together."""

    seconds: float = 30.0
    input_bytes: int = 64 << 20
    output_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Interface:
    """The document as data. ``kind`` is "onnx" or "torch"; ``model_files`` names the files that make the model."""

    kind: str
    model_files: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    symbols: Mapping[str, Bound]
    limits: ServingLimits = ServingLimits()
    opset: int | None = None
    class_name: str = ""
    losses: tuple[Mapping[str, Any], ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document in JSON's types."""
        model: dict[str, Any] = {"kind": self.kind, "files": list(self.model_files)}
        if self.opset is not None:
            model["opset"] = self.opset
        document: dict[str, Any] = {"format": FORMAT, "model": model}
        if self.class_name:
            document["class"] = self.class_name
        document |= {
            "inputs": [tensor.to_json() for tensor in self.inputs],
            "outputs": [tensor.to_json() for tensor in self.outputs],
            "symbols": {name: bound.to_json() for name, bound in self.symbols.items()},
            "limits": {
                "seconds": self.limits.seconds,
                "input_bytes": self.limits.input_bytes,
                "output_bytes": self.limits.output_bytes,
            },
            "sha256": dict(self.digests),
            "metadata": dict(self.metadata),
        }
        return document | ({"losses": [dict(loss) for loss in self.losses]} if self.losses else {})

    def to_bytes(self) -> bytes:
        """The document as a file."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False).encode() + b"\n"


@cache
def interface_schema() -> dict[str, Any]:
    """The published form."""
    text = files("bridge.package").joinpath("schemas", "interface-1.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_interface(data: bytes) -> Interface:
    """The interface in ``data``. Raises ``InvalidPackageError`` for what departs from its form, or contradicts itself."""
    from bridge.light_import import import_jsonschema

    import_jsonschema()
    from jsonschema import Draft202012Validator

    try:
        document = parse(data, what="interface.json", limits=JsonLimits(bytes=INTERFACE_BYTES_AT_MOST, values=500_000))
    except InvalidBundleError as error:
        raise InvalidPackageError(str(error)) from error
    fault = next(
        iter(sorted(Draft202012Validator(interface_schema()).iter_errors(document), key=lambda found: str(found.path))), None
    )
    if fault is not None:
        place = ".".join(str(part) for part in fault.absolute_path) or "the whole"
        raise InvalidPackageError(f"interface.json: {place}: {fault.message[:300]}")
    interface = _from_json(document)
    _refuse_contradictions(interface)
    return interface


def _from_json(document: Mapping[str, Any]) -> Interface:
    return Interface(
        kind=document["model"]["kind"],
        model_files=tuple(document["model"]["files"]),
        inputs=tuple(_tensor(item) for item in document["inputs"]),
        outputs=tuple(_tensor(item) for item in document["outputs"]),
        symbols={name: Bound(**bound) for name, bound in document["symbols"].items()},
        limits=ServingLimits(**document["limits"]),
        opset=document["model"].get("opset"),
        class_name=document.get("class", ""),
        losses=tuple(document.get("losses", ())),
        digests=document.get("sha256", {}),
        metadata=document.get("metadata", {}),
    )


def _tensor(item: Mapping[str, Any]) -> Tensor:
    return Tensor(**{**item, "shape": tuple(item["shape"])})


def _refuse_contradictions(interface: Interface) -> None:
    """What a schema cannot say: names once, symbols bounded, lengths that are there."""
    for tensors in (interface.inputs, interface.outputs):
        names = [tensor.name for tensor in tensors]
        if len(set(names)) != len(names):
            raise InvalidPackageError("interface.json: two tensors have one name")
    carriers = {tensor.name: tensor for tensor in (*interface.inputs, *interface.outputs)}
    for tensor in (*interface.inputs, *interface.outputs):
        symbols = [extent for extent in (*tensor.shape, tensor.lengths_of) if isinstance(extent, str) and extent]
        unbounded = [symbol for symbol in symbols if symbol not in interface.symbols]
        if unbounded:
            raise InvalidPackageError(f"interface.json: {tensor.name}: no bounds for the symbol {unbounded[0]!r}")
    for tensor in (*interface.inputs, *interface.outputs):
        if tensor.lengths and not (tensor.lengths in carriers and carriers[tensor.lengths].lengths_of in tensor.shape):
            raise InvalidPackageError(f"interface.json: {tensor.name}: {tensor.lengths!r} holds no lengths of any of its axes")
        if tensor.minimum is not None and tensor.maximum is not None and tensor.minimum > tensor.maximum:
            raise InvalidPackageError(f"interface.json: {tensor.name}: a minimum above the maximum")
    wrong = [name for name, bound in interface.symbols.items() if bound.minimum > bound.maximum]
    if wrong:
        raise InvalidPackageError(f"interface.json: {wrong[0]}: a minimum above the maximum")
