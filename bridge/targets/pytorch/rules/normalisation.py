"""Batch normalisation, dropout, softmax."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from bridge.targets.pytorch.expression import Expr
from bridge.targets.pytorch.members import MODULE, Member, Tensor
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.rules.owning import constructed, owned
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue, TensorValue, Value

SAMPLES_PER_BATCH = 64
"""CNTK forgets statistics per sample, PyTorch per batch: momentum is worked out for batches of this size."""
_BATCHES_SEEN = 1
"""At least one, so that statistics which CNTK has gathered are not thrown away by the first batch."""


@translates("BatchNormalization")
def batch_normalisation(t: Translation, node: ir.Node) -> Value:
    """``nn.BatchNorm1d`` to ``3d``; the function where statistics or parameters are computed or shared."""
    operand = t.tensor(node.inputs[0])
    found = [t.value(value) for value in node.inputs[1:]]
    epsilon = float(node.attributes["epsilon"].as_float())
    epsilon = epsilon if operand.dtype == np.float64 else float(str(np.float32(epsilon)))
    constants = [item for item in found if isinstance(item, ConstantValue) and owned(t, item)]
    names = ("weight", "bias", "running_mean", "running_var")
    if len(constants) == 4 and 2 <= operand.rank <= 5:
        kind = f"nn.BatchNorm{max(operand.rank - 2, 1)}d"
        momentum = _momentum(t)
        arguments = [("num_features", int(constants[0].array.size)), ("eps", epsilon), ("momentum", momentum)]
        defaults = {"eps": 1e-5, "momentum": 0.1}
        shown = tuple((name, value) for name, value in arguments if name not in defaults or defaults[name] != value)
        tracked = {"num_batches_tracked": Tensor(np.asarray(_BATCHES_SEEN, np.int64), trainable=False)}
        layer = constructed(t, kind, shown, dict(zip(names, constants, strict=True)), "norm", extra=tracked)
        if layer is not None:
            return TensorValue(Expr("{0}({1})", (layer, operand.expr)), operand.dtype, operand.rank)
    scale, bias, mean, variance = (t.as_tensor(item) for item in found)
    made = Expr(f"F.batch_norm({{0}}, {{1}}, {{2}}, {{3}}, {{4}}, eps={epsilon!r})", (operand.expr, mean, variance, scale, bias))
    return TensorValue(made, operand.dtype, operand.rank)


def _momentum(t: Translation) -> float | None:
    """The share of a batch's statistics in the running ones; ``None`` for the mean over all batches."""
    constant = t.shared.names.attributes.get(t.origin, {}).get("normalizationTimeConstant", 0.0)
    if not isinstance(constant, (int, float)) or constant == 0:
        return 0.1 if not isinstance(constant, (int, float)) else 1.0
    if math.isinf(constant) or constant < 0:
        return None
    return float(f"{1 - math.exp(-SAMPLES_PER_BATCH / constant):.4g}")


@translates("Dropout")
def dropout(t: Translation, node: ir.Node) -> Value:
    """``nn.Dropout`` of CNTK's rate."""
    operand, rate = t.tensor(node.inputs[0]), t.array(node.inputs[1])
    assert rate is not None
    shown = float(str(np.float32(rate.item())))
    layer = Member(MODULE, "nn.Dropout", (("p", shown),), {}, "dropout", t.origin, t.shared.names.of_module(t.origin))
    return TensorValue(Expr("{0}({1})", (layer, operand.expr)), operand.dtype, operand.rank)


@translates("Softmax", "LogSoftmax")
def softmax(t: Translation, node: ir.Node) -> Value:
    """Shares along an axis, or their logarithms."""
    operand = t.tensor(node.inputs[0])
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else -1
    function = "softmax" if node.op_type == "Softmax" else "log_softmax"
    return TensorValue(Expr(f"torch.{function}({{0}}, dim={axis})", (operand.expr,)), operand.dtype, operand.rank)
