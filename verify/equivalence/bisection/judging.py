"""Each layer's rows of the report: how far it lies from the reference in the network's own run, and by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bridge.origins import Origin
from verify.equivalence.backends import Array
from verify.equivalence.bisection.layers import GraphLayer, KnownValue, runs_in_float32
from verify.equivalence.bisection.layout import beside
from verify.equivalence.bisection.runs import Runs
from verify.equivalence.bisection.tolerances import layer_tolerance
from verify.equivalence.cases import Batch
from verify.equivalence.comparison import Comparison, allowed_error, compare
from verify.equivalence.tolerances import Tolerance
from verify.report.document import Layer, LayerVerdict

LEFT_OUT = "no operator in the converted model"
"""What a row says of a variable that the converted model takes for equal to the one before it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A row of the report, and the value that it is about.

    ``layer`` is absent for an operator that the conversion left out; ``before`` is then what that operator reads.
    """

    row: Layer
    known: KnownValue
    tolerance: Tolerance
    layer: GraphLayer | None = None
    before: Array | None = None


def judge(runs: Runs) -> Iterator[Judged]:
    """The rows of all layers in the order of computation; of operators that the conversion left out, those that do something."""
    index = 0
    for layer in runs.layers:
        tolerance = _allowance(runs, layer)
        yield Judged(_row(runs, layer, index, tolerance), layer.known, tolerance, layer)
        index += 1
        for uid, reference in layer.known.passed:
            judged = _passed(layer, runs.fed[layer.value], index, uid, reference, tolerance)
            if judged.row.verdict is LayerVerdict.DIFFERS:
                yield judged
                index += 1


def _allowance(runs: Runs, layer: GraphLayer) -> Tolerance:
    """How far a layer may lie from the reference by itself."""
    made = runs.forced.get(layer.value)
    narrow = (made is not None and made.dtype == np.float32) or runs_in_float32(runs.graph, layer)
    return layer_tolerance(_first(layer.known.reference).dtype, in_float32=narrow)


def _row(runs: Runs, layer: GraphLayer, index: int, tolerance: Tolerance) -> Layer:
    origin = layer.known.origin
    free = _compared(_own(runs, runs.free, layer), origin, layer.known.reference, tolerance)
    forced = _compared(_own(runs, runs.forced, layer), origin, layer.known.reference, tolerance)
    agrees = forced is not None and forced.agrees and runs.counts_right(layer)
    free = None if free is None or free.problem is not None else free
    shown = None if forced is None or forced.problem is not None else forced
    return Layer(
        index=index,
        node=origin.label,
        operator=_operators(layer),
        onnx_nodes=tuple(runs.graph.nodes[number].name for number in layer.numbers),
        shape=runs.fed[layer.value].shape,
        max_abs=_greatest(free),
        max_rel=None if free is None else free.max_rel,
        cosine=None if free is None else free.figures.cosine,
        sqnr_db=None if free is None else free.figures.sqnr_db,
        forced_max_abs=_greatest(forced),
        forced_max_rel=None if shown is None else shown.max_rel,
        allowed=_greatest_allowed(layer.known.reference, tolerance),
        verdict=LayerVerdict.AGREES if agrees else LayerVerdict.DIFFERS,
    )


def _passed(layer: GraphLayer, before: Array, index: int, uid: str, reference: Batch, tolerance: Tolerance) -> Judged:
    """An operator that the conversion left out: what goes into it, ``before``, has to be what comes out."""
    own = layer.known.origin
    # It may have made a sequence of what was none, or the other way round.
    rank = int(isinstance(reference, list) and before.ndim > reference[0].ndim) + 1
    node = uid.removesuffix("_Output_0")
    origin = replace(own, variables=(uid,), name="", operators=LEFT_OUT, nodes=(node,), dynamic_rank=rank, clean=False)
    comparison = _compared(before, origin, reference, tolerance)
    row = Layer(
        index=index,
        node=node,
        operator=LEFT_OUT,
        shape=before.shape,
        forced_max_abs=_greatest(comparison),
        forced_max_rel=None if comparison is None or comparison.problem is not None else comparison.max_rel,
        allowed=_greatest_allowed(reference, tolerance),
        verdict=LayerVerdict.AGREES if comparison is not None and comparison.agrees else LayerVerdict.DIFFERS,
    )
    return Judged(row, KnownValue(origin, uid, reference), tolerance, before=before)


def _own(runs: Runs, values: Mapping[str, Array], layer: GraphLayer) -> Array | None:
    """A layer's value among ``values``. Inside a model it may be of another floating-point type: only numbers count there."""
    made, wanted = values.get(layer.value), _first(layer.known.reference).dtype
    if made is None or layer.value in runs.graph.outputs or made.dtype.kind != "f" or wanted.kind != "f":
        return made
    return made.astype(wanted)


def _compared(got: Array | None, origin: Origin, reference: Batch, tolerance: Tolerance) -> Comparison | None:
    """``None`` where nothing was computed."""
    if got is None:
        return None
    pair = beside(got, reference, origin)
    if isinstance(pair, str):
        return Comparison(problem=pair)
    found = compare(pair.got, pair.want, tolerance, pair.lengths)
    if found.problem is not None or pair.beyond == 0:
        return found
    return replace(
        found, mismatches=found.mismatches + 1, max_abs=float(np.maximum(found.max_abs, pair.beyond)), required=math.inf
    )


def _greatest(comparison: Comparison | None) -> float | None:
    """The greatest error: NaN where one side alone is NaN, infinite where one side alone is; ``None`` where shapes differ."""
    if comparison is None or comparison.problem is not None:
        return None
    if comparison.nan_mismatches:
        return math.nan
    return math.inf if comparison.infinite_mismatches else comparison.max_abs


def _operators(layer: GraphLayer) -> str:
    """The operators of a layer: its own, after those on the way whose values the reference does not have."""
    return ", ".join(dict.fromkeys(origin.operators for origin in (*layer.skipped, layer.known.origin)))


def _greatest_allowed(reference: Batch, tolerance: Tolerance) -> float:
    greatest = 0.0
    for array in reference if isinstance(reference, list) else [reference]:
        if array.size:
            greatest = max(greatest, float(allowed_error(array.astype(np.float64), tolerance).max()))
    return greatest


def _first(reference: Batch) -> Array:
    return reference[0] if isinstance(reference, list) else reference
