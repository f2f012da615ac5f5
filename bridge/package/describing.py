"""A conversion's result as the interface of its package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import InvalidOptionError
from bridge.package.contents import INTERFACE, ONNX_DATA, ONNX_MODEL, TORCH_SOURCE, TORCH_WEIGHTS
from bridge.package.interface import Bound, Interface, ServingLimits, Tensor
from bridge.version import __version__

if TYPE_CHECKING:
    from bridge.conversion import ConversionResult
    from bridge.lower import PortType

BATCH: Final = "N"
DEFAULT_BATCH: Final = 1024
DEFAULT_STEPS: Final = 4096
DEFAULT_FREE: Final = 4096
EXTENT_AT_MOST: Final = (1 << 31) - 1


def describe_onnx(result: ConversionResult, bounds: Mapping[str, Bound], limits: ServingLimits) -> Interface:
    """The interface of an ONNX package. ``bounds`` replace the defaults, by symbol."""
    digests = {ONNX_MODEL: result.sha256} | ({ONNX_DATA: result.data_sha256} if result.data_sha256 else {})
    metadata = {"cntk_bridge.version": __version__, "cntk_bridge.source.sha256": result.source_sha256}
    return _describe(result, "onnx", digests, bounds, limits, optional=_lengths_names(result.inputs), metadata=metadata)


def describe_torch(folder: Path, result: ConversionResult, bounds: Mapping[str, Bound], limits: ServingLimits) -> Interface:
    """The interface of a PyTorch package, which keeps what the target has written into the folder's own ``interface.json``."""
    written: dict[str, Any] = json.loads((folder / INTERFACE).read_bytes())
    optional = frozenset(port["name"] for port in written["inputs"] if port["optional"])
    assert result.data_sha256 is not None
    digests = {TORCH_SOURCE: result.sha256, TORCH_WEIGHTS: result.data_sha256}
    return _describe(
        result,
        "torch",
        digests,
        bounds,
        limits,
        optional=optional,
        class_name=written["class"],
        losses=tuple(written.get("losses", ())),
        metadata=written["metadata"],
    )


def _describe(
    result: ConversionResult,
    kind: str,
    digests: Mapping[str, str],
    bounds: Mapping[str, Bound],
    limits: ServingLimits,
    *,
    optional: frozenset[str],
    **more: Any,
) -> Interface:
    return Interface(
        kind=kind,
        model_files=tuple(digests),
        inputs=_tensors(result.inputs, optional, are_inputs=True),
        outputs=_tensors(result.outputs, frozenset(), are_inputs=False, given=result.inputs),
        symbols=_symbols((*result.inputs, *result.outputs), bounds),
        limits=limits,
        opset=result.opset if kind == "onnx" else None,
        digests=digests,
        **more,
    )


def _lengths_names(ports: Sequence[PortType]) -> frozenset[str]:
    # An ONNX input of lengths has a default: every sequence is as long as the padded batch.
    return frozenset(port.name for port in ports if port.lengths_of)


def _tensors(
    ports: Sequence[PortType], optional: frozenset[str], *, are_inputs: bool, given: Sequence[PortType] = ()
) -> tuple[Tensor, ...]:
    carriers = {port.lengths_of: port.name for port in (*given, *ports) if port.lengths_of}
    return tuple(
        Tensor(
            name=port.name,
            dtype=port.dtype,
            shape=port.shape,
            optional=port.name in optional,
            lengths_of=port.lengths_of,
            lengths=next((carriers[extent] for extent in port.shape if isinstance(extent, str) and extent in carriers), ""),
            # A value that is not finite is no sample of anything; what a network answers may be, as log 0 is.
            finite=are_inputs and port.dtype.startswith("float"),
            minimum=_least(port),
            maximum=port.index_below - 1 if port.index_below is not None else None,
        )
        for port in ports
    )


def _least(port: PortType) -> float | None:
    if port.lengths_of:
        return 1
    return 0 if port.index_below is not None else None


def _symbols(ports: Sequence[PortType], bounds: Mapping[str, Bound]) -> dict[str, Bound]:
    """The bounds of every symbol, in the order in which they appear."""
    steps = {port.lengths_of for port in ports if port.lengths_of}
    symbols: dict[str, Bound] = {}
    for port in ports:
        for extent in (*port.shape, port.lengths_of):
            if isinstance(extent, str) and extent:
                symbols.setdefault(extent, _default(extent, is_steps=extent in steps))
    unknown = [symbol for symbol in bounds if symbol not in symbols]
    if unknown:
        raise InvalidOptionError(f"no dimension is called {unknown[0]!r}; this model has {', '.join(symbols) or 'none'}")
    return {name: Bound(**{**bound.to_json(), **_chosen(bounds.get(name))}) for name, bound in symbols.items()}


def _chosen(bound: Bound | None) -> dict[str, int]:
    return {} if bound is None else {"minimum": bound.minimum, "maximum": bound.maximum}


def _default(symbol: str, *, is_steps: bool) -> Bound:
    if symbol == BATCH:
        return Bound(1, DEFAULT_BATCH, "batch")
    return Bound(1, DEFAULT_STEPS, "steps") if is_steps else Bound(1, DEFAULT_FREE, "free")


def parse_bound(text: str) -> tuple[str, Bound]:
    """``T=512`` or ``T=2..512`` as a symbol and its bounds; ``InvalidOptionError`` for anything else."""
    symbol, _, extents = text.partition("=")
    least, separator, greatest = extents.rpartition("..")
    try:
        bound = Bound(int(least) if separator else 1, int(greatest))
    except ValueError:
        bound = Bound(1, 0)
    if not symbol or not 0 <= bound.minimum <= bound.maximum <= EXTENT_AT_MOST or bound.maximum < 1:
        raise InvalidOptionError(f"--bound {text!r}: expected SYMBOL=MAXIMUM or SYMBOL=MINIMUM..MAXIMUM, as in T=512")
    return symbol, bound
