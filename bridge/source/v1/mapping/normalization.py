"""Batch normalisation, and normalisation by precomputed statistics."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bridge.graph.model import Attributes, Tensor, Variable
from bridge.source.v1.mapping.builder import Translation
from bridge.source.v1.mapping.images import check_layout
from bridge.source.v1.mapping.rules import Rule, rule

_VARIANCE_VERSION = 13  # Before it the running statistic was the inverse standard deviation.
_VARIANCE_POSITION = 4
_SAMPLE_COUNT_POSITION = 5
_LEAST_DIVISOR = 1e-30  # What CNTK's element-wise inverse puts in the place of anything nearer to 0.


def _batch_normalization(at: Translation) -> None:
    node = at.node
    if node.flag("spatial"):
        check_layout(at)
    inputs = list(at.inputs)
    if at.builder.raw.version < _VARIANCE_VERSION:
        inputs[_VARIANCE_POSITION] = _variance(at, node.number("epsilon"))
    if len(inputs) == _SAMPLE_COUNT_POSITION:
        inputs.append(at.constant("run_sample_count", 0.0, (1,)))
    attributes: Attributes = {
        "spatial": node.flag("spatial"),
        "normalizationTimeConstant": node.number("normalizationTimeConstant"),
        "blendTimeConstant": node.number("blendTimeConstant"),
        "epsilon": node.number("epsilon"),
        "useCuDNNEngine": not node.flag("useCntkEngine"),
        "disableRegularization": False,
    }
    at.finish("BatchNormalization", tuple(inputs), attributes)


def _variance(at: Translation, epsilon: float) -> str:
    """The uid of the running variance, computed once for each parameter from the inverse standard deviation it holds."""
    leaf = at.leaf(_VARIANCE_POSITION)
    if leaf is None or leaf.value is None:
        raise at.wrong("the running inverse standard deviation is not a parameter, so that it cannot be made a variance")
    known = at.builder.converted_variances.get(leaf.uid)
    if known is not None:
        if known[0] != epsilon:
            raise at.wrong(f"shares its running statistics with a node of another epsilon ({known[0]}, here {epsilon})")
        return known[1]
    uid = at.derive(_VARIANCE_POSITION, "variance", _as_variance(leaf, leaf.value, epsilon))
    at.builder.converted_variances[leaf.uid] = (epsilon, uid)
    # A leaf changed in place must not be converted again.
    at.builder.converted_variances[uid] = (epsilon, uid)
    return uid


def _as_variance(leaf: Variable, value: Tensor, epsilon: float) -> Tensor:
    """1/x² + epsilon in the precision of the parameter, as CNTK 2.7 converts (one would expect minus epsilon)."""
    source: npt.NDArray[np.generic] = value.values
    # Infinities and not-a-numbers are legal weights, and pass through here without a warning.
    with np.errstate(all="ignore"):
        variance = np.square(source)
        np.maximum(variance, _LEAST_DIVISOR, out=variance)
        np.reciprocal(variance, out=variance)
        variance += source.dtype.type(epsilon)
    variance.flags.writeable = False
    return Tensor(leaf.data_type, value.shape, variance, value.offset)


def _normalize(at: Translation) -> None:
    """(x - mean) * inverse standard deviation."""
    data, mean, deviation = at.inputs
    centred = at.step("centred", "Minus", (data, mean))
    at.finish("ElementTimes", (centred, deviation))


def _denormalize(at: Translation) -> None:
    """The inverse: x / inverse standard deviation + mean."""
    data, mean, deviation = at.inputs
    factor = at.step("deviation", "Reciprocal", (deviation,))
    scaled = at.step("scaled", "ElementTimes", (data, factor))
    at.finish("Plus", (scaled, mean))


NORMALIZATION_RULES: Mapping[str, Rule] = {
    "BatchNormalization": rule((5, 6), _batch_normalization),
    "PerDimMeanVarNormalization": rule(3, _normalize),
    "PerDimMeanVarDeNormalization": rule(3, _denormalize),
}
