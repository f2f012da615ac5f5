"""BatchNormalization: evaluation uses the running statistics alone."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.model import DEFAULT_BATCH_AXIS, DataType
from bridge.graph.network import Node
from bridge.lower.convolution_folding import convolution_behind, normalised
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.reshaping import reshape_static
from bridge.lower.value import Lowered


@lowers(
    "BatchNormalization",
    onnx="BatchNormalization over [N, C, ...]; into the weights of a Conv before it where that is its only reader",
    exactness="1e-6 relative",
)
def lower_batch_normalization(ctx: Lowering, node: Node) -> ir.Value:
    """``scale * (x - mean) / sqrt(variance + epsilon) + bias``, per channel (``spatial``) or per element.

    One operator, for data of any dynamic axes: it is twice to three times as fast as Sub, Mul and Add.
    """
    data, *parameters = (ctx.value(uid) for uid in node.inputs[:5])  # whose statistics keep a type of their own
    spatial = attributes.flag(node, "spatial", default=False) and data.type.rank > 0
    _check(node, data, parameters, spatial=spatial)
    count = math.prod(data.type.shape[:1] if spatial else data.type.shape)
    scale, bias, mean, variance = (_vector(ctx, data, parameter, count) for parameter in parameters)
    epsilon = attributes.number(node, "epsilon", 1e-5)
    if spatial:
        folded = _folded(ctx, node, parameters, epsilon)
        if folded is not None:
            return folded
    if data.type.data_type is DataType.DOUBLE:
        # The attribute is a float32: what rounding takes from a float64 model's epsilon goes to the variance.
        rest = epsilon - float(np.float32(epsilon))
        variance = ctx.builder.op("Add", variance, ctx.builder.constant(rest, np.float64))
    batch, unfold = ctx.folded_batch(data)
    flat = Lowered(batch, data.type.with_axes((DEFAULT_BATCH_AXIS,)))
    channels = data.type.shape if spatial else (math.prod(data.type.shape),)
    made = ctx.builder.op("BatchNormalization", reshape_static(ctx, flat, channels), scale, bias, mean, variance, epsilon=epsilon)
    restored = Lowered(made, flat.type.with_shape(channels))
    return unfold(reshape_static(ctx, restored, data.type.shape))


def _folded(ctx: Lowering, node: Node, parameters: list[Lowered], epsilon: float) -> ir.Value | None:
    """The convolution before with this normalisation folded into its weights, where there is one."""
    convolution = convolution_behind(ctx, node.inputs[0])
    statistics = [ctx.builder.known(parameter.value) for parameter in parameters]
    known = [array for array in statistics if array is not None]
    if convolution is None or len(known) < len(statistics):
        return None
    return normalised(ctx, convolution, known, epsilon)


def _check(node: Node, data: Lowered, parameters: list[Lowered], *, spatial: bool) -> None:
    """Raise unless there is one number of each kind per channel, or per element.

    Per channel there may be more, of which CNTK takes the first ones: its own importer of ONNX says ``spatial`` of every
    normalisation, those per element included.
    """
    if any(parameter.type.dynamic_rank for parameter in parameters):
        raise Refuse("statistics that differ from sample to sample")
    wanted = data.type.shape[:1] if spatial else data.type.shape
    if any(dim < 0 for dim in wanted):
        raise Refuse(f"statistics for {data.type}, whose size is not known before it runs")
    for parameter in parameters:
        found, expected = math.prod(parameter.type.shape), math.prod(wanted)
        if found < expected or (found > expected and not spatial):
            raise InvalidGraphError(
                f"batch normalisation of {data.type} by a parameter of {parameter.type}: expected {expected} elements",
                node=node.uid,
            )


def _vector(ctx: Lowering, data: Lowered, parameter: Lowered, count: int) -> ir.Value:
    """The first ``count`` elements of a parameter, whatever its shape in the file, and in the data's own type."""
    b = ctx.builder
    vector = parameter.value if parameter.type.rank == 1 else b.op("Reshape", parameter.value, b.integers(-1))
    if math.prod(parameter.type.shape) > count:
        vector = b.op("Gather", vector, b.integers(*range(count)), axis=0)
    if parameter.type.data_type is data.type.data_type:
        return vector
    return b.op("Cast", vector, to=int(ONNX_TYPES[data.type.data_type]))
