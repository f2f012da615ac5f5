"""Operators that mean the same in CNTK 2, and those of which a v1 file does not say enough."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.source.v1.mapping.builder import Translation
from bridge.source.v1.mapping.hazards import note_environment, note_path
from bridge.source.v1.mapping.rules import Rule, rule, same, unsupported

_UNARY = """
Abs Acos Asin Asinh Atan Atanh Cosh Exp Floor Hardmax Log LogSoftmax Negate Pass Reciprocal Sigmoid Sin Sinh Softmax
Sqrt StableSigmoid StopGradient StraightThrough Tan Tanh
""".split()

_BINARY = """
Assign ElementTimes Equal Gather Greater GreaterEqual Less LessEqual LogPlus Minus NotEqual Plus Pow
""".split()

_NOT_STORED = "{} (its parameters are not stored in v1 files)"


def _trace(at: Translation) -> None:
    """The identity, apart from what it would print and the file it would read for that."""
    note_path(at, "labelMappingFile")
    at.finish("Pass", at.inputs)


def _environment(at: Translation) -> None:
    """A value that the process around the model supplies: nothing that could be converted."""
    note_environment(at, "propertyName")
    at.refuse()


def _cast(at: Translation) -> None:
    """A conversion to the node's own type, which files state from version 31 on, and only for this node."""
    if at.node.source_type is None:
        at.refuse(_NOT_STORED.format("Cast"))
        return
    at.finish("Cast", at.inputs, {"newDataType": int(at.node.data_type)})


def _eye_like(at: Translation) -> None:
    at.finish("EyeLikeOp", at.inputs, {"OutputSparse": at.node.flag("outputSparse")})


PLAIN_RULES: Mapping[str, Rule] = {
    **{op: same(op, 1) for op in _UNARY},
    **{op: same(op, 2) for op in _BINARY},
    "Clip": same("Clip", 3, order=(2, 0, 1)),
    "Cosine": same("Cos", 1),
    "ExponentialLinearUnit": same("ELU", 1),
    "If": same("Select", 3),
    "RectifiedLinear": same("ReLU", 1),
    "ToBatchAxisNode": same("ToBatch", 1),
    "UnpackBatchAxis": same("UnpackBatch", 1),
    "EyeLikeOp": rule(1, _eye_like),
    "Cast": rule(1, _cast),
    "Trace": rule(1, _trace),
    "EnvironmentInput": rule(0, _environment),
    "CustomProxyOpNode": unsupported(),
    "DynamicAxis": unsupported(),  # Only where it is an operand; otherwise it is a name, and left out.
    "EpochAccumulator": unsupported(),  # Its value depends on all that was fed before.
    "InvStdDev": unsupported(),  # Only where it is not computed yet.
    "Mean": unsupported(),
    "OutputMultiplexer": unsupported(),  # Only where it does not stand for the mask of UnpackSequence.
    "Shift": unsupported(),
    "ConstantOp": unsupported(_NOT_STORED.format("ConstantOp")),
    "OneHot": unsupported(_NOT_STORED.format("OneHot")),
    "Padding": unsupported(_NOT_STORED.format("Padding")),
    "RandomDistribution": unsupported(_NOT_STORED.format("RandomDistribution")),
    "TopK": unsupported(_NOT_STORED.format("TopK")),
}
