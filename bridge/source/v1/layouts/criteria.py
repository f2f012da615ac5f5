"""Criteria with settings, and the tracing node."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.source.v1.readers import f32, f64, flag, i32, integers, narrow, text, u64
from bridge.source.v1.record import Field, Layout, Record

_NCE_MODES = 3


def _nce_mode(record: Record) -> None:
    """``evaluationMode``, 0 to 2, which the oldest files leave out: any other number there belongs to what follows."""
    cursor = record.cursor
    start = cursor.offset
    mode = cursor.i32("evaluationMode")
    if 0 <= mode < _NCE_MODES:
        record.fields["evaluationMode"] = mode
    else:
        cursor.offset = start


_LATTICE_PATHS = ("symListPath", "phonePath", "stateListPath", "transProbPath", "latticeConfigPath")
_LATTICE_NUMBERS = ("frameDropThreshold", "smoothingWeight", "amf", "lmf", "wordPenalty", "bmmiFactor")

CRITERION_LAYOUTS: Mapping[str, Layout] = {
    "EditDistanceError": (
        Field("substitutionPenalty", f32),
        Field("deletionPenalty", f32),
        Field("insertionPenalty", f32),
        Field("squashInputs", flag),
        Field("tokensToIgnore", integers),
    ),
    "ForwardBackward": (Field("delayConstraint", i32), Field("blankTokenId", u64)),
    "NCEBasedCrossEntropyWithSoftmax": (_nce_mode,),
    "LatticeSequenceWithSoftmax": (
        *(Field(name, text) for name in _LATTICE_PATHS),
        *(Field(name, f64) for name in _LATTICE_NUMBERS),
        Field("usesMBR", flag),
        Field("doReferenceAlign", flag),
    ),
    "Trace": (
        Field("message", text),
        Field("logFirst", u64),
        Field("logFrequency", u64),
        Field("logGradient", flag),
        Field("isCategory", flag),
        Field("labelMappingFile", text),
        Field("isSparse", flag),
        Field("transpose", flag),
        *(Field(f"format{number}", narrow) for number in range(1, 9)),
        Field("onlyUpToRow", u64),
        Field("onlyUpToT", u64),
    ),
}
