"""BatchNormalization: evaluation uses the running statistics alone."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.model import DataType
from bridge.graph.network import Node
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.value import Lowered


@lowers("BatchNormalization", onnx="BatchNormalization per channel of a batch; else Sub, Mul, Add", exactness="1e-6 relative")
def lower_batch_normalization(ctx: Lowering, node: Node) -> ir.Value:
    """``scale * (x - mean) / sqrt(variance + epsilon) + bias``, per channel (``spatial``) or per element."""
    b = ctx.builder
    data, *parameters = ctx.operands(node)[:5]
    spatial = attributes.flag(node, "spatial", default=False) and data.type.rank > 0
    _check(node, data, parameters, spatial=spatial)
    epsilon = attributes.number(node, "epsilon", 1e-5)
    # An attribute of an ONNX operator is a float32, which would round a float64 model's epsilon.
    if spatial and data.type.dynamic_rank == 1 and data.type.data_type is DataType.FLOAT:
        channels = [b.op("Reshape", parameter.value, b.integers(-1)) for parameter in parameters]
        return b.op("BatchNormalization", data.value, *channels, epsilon=epsilon)
    shape = (data.type.shape[0], *[1] * (data.type.rank - 1)) if spatial else data.type.shape
    scale, bias, mean, variance = (_in_double(ctx, parameter, shape) for parameter in parameters)
    deviation = b.op("Sqrt", b.op("Add", variance, b.constant(epsilon, np.float64)))
    own = ONNX_TYPES[data.type.data_type]
    factor, centre, shift = (b.op("Cast", value, to=int(own)) for value in (b.op("Div", scale, deviation), mean, bias))
    return b.op("Add", b.op("Mul", b.op("Sub", data.value, centre), factor), shift)


def _check(node: Node, data: Lowered, parameters: list[Lowered], *, spatial: bool) -> None:
    """Raise unless there is one number of each kind per channel, or per element."""
    if any(parameter.type.dynamic_rank for parameter in parameters):
        raise Refuse("statistics that differ from sample to sample")
    wanted = data.type.shape[:1] if spatial else data.type.shape
    if any(dim < 0 for dim in wanted):
        raise Refuse(f"statistics for {data.type}, whose size is not known before it runs")
    for parameter in parameters:
        if math.prod(parameter.type.shape) != math.prod(wanted):
            raise InvalidGraphError(
                f"batch normalisation of {data.type} by a parameter of {parameter.type}: expected {math.prod(wanted)} elements",
                node=node.uid,
            )


def _in_double(ctx: Lowering, parameter: Lowered, shape: tuple[int, ...]) -> ir.Value:
    """A parameter in float64 and in ``shape``. Parameters are constants: all of this happens at conversion."""
    b = ctx.builder
    return b.op("Reshape", b.op("Cast", parameter.value, to=int(ir.DataType.DOUBLE)), b.integers(*shape))
