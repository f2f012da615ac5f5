"""What a v1 file stores for a node of each operator: one table, by operator name.

A file holds no lengths, so that a node of an operator that is not in the table would make the rest of the file unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.source.v1.layouts.criteria import CRITERION_LAYOUTS
from bridge.source.v1.layouts.images import IMAGE_LAYOUTS
from bridge.source.v1.layouts.leaves import LEAF_LAYOUTS
from bridge.source.v1.layouts.plain import PLAIN_LAYOUTS
from bridge.source.v1.layouts.sequences import SEQUENCE_LAYOUTS
from bridge.source.v1.layouts.shapes import SHAPE_LAYOUTS
from bridge.source.v1.record import Layout

LAYOUTS: Mapping[str, Layout] = {
    **PLAIN_LAYOUTS,
    **LEAF_LAYOUTS,
    **SHAPE_LAYOUTS,
    **IMAGE_LAYOUTS,
    **SEQUENCE_LAYOUTS,
    **CRITERION_LAYOUTS,
}
"""The fields of every operator, by its current spelling."""

OLD_SPELLINGS: Mapping[str, str] = {
    "ColumnElementTimes": "ElementTimes",
    "RowElementTimes": "ElementTimes",
    "Scale": "ElementTimes",
    "Delay": "PastValue",
    "ErrorPrediction": "ClassificationError",
    "PerDimMeanVarDeNormalizationNode": "PerDimMeanVarDeNormalization",
    "PerDimMeanVarNormalizationNode": "PerDimMeanVarNormalization",
    "RNN": "OptimizedRNNStack",
    "ReconcileMBLayout": "ReconcileDynamicAxis",
    "RowSlice": "Slice",
    "Transpose": "TransposeDimensions",
}
"""Operator names of older files, with what they are called now."""

__all__ = ["LAYOUTS", "OLD_SPELLINGS"]
