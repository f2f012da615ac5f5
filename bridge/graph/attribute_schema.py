"""What CNTK's operators take: how many inputs, and which attributes with which types and ranges.

The table was checked on all recorded models. It says what a file may state; what a missing attribute means, and whether an axis
exists in the operand, is for the lowering to say. Blocks keep attributes of their own names, which nothing reads: a block means
what its inside means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bridge.graph.attribute_rules import (
    Rule,
    any_integer,
    anything,
    axis,
    count,
    delay_steps,
    elements,
    finite,
    flag,
    integer,
    number,
    one_of,
    positive,
    rank,
    rate,
    shape,
    step,
    text,
    vector,
)
from bridge.graph.model import INFERRED, Attributes, AttributeValue, DataType
from bridge.limits import Limits

CUSTOM_ATTRIBUTES = "customAttributes"
"""Free content of the user's own, which any function may carry."""

_ANY = 1 << 30  # inputs: bounded by ``Limits.function_inputs``


@dataclass(frozen=True, slots=True)
class OperatorSchema:
    """What one operator takes: from ``lowest`` to ``highest`` inputs, and the rule of each attribute."""

    lowest: int
    highest: int
    attributes: Mapping[str, Rule]
    free: bool = False  # other attributes are content of the user's own


class AttributeFault(NamedTuple):
    """An attribute with a value that it cannot have."""

    key: str
    expected: str
    found: str


def _operator(lowest: int, highest: int | None = None, /, **attributes: Rule) -> OperatorSchema:
    return OperatorSchema(lowest, lowest if highest is None else highest, attributes)


_SIZE = integer(1, elements)
_EXTENT = integer(0, elements)
_EXTENTS = shape(0)
_FLAGS = vector(flag)
_DATA_TYPE = one_of(*(int(code) for code in DataType if code not in (DataType.UNKNOWN, DataType.UCHAR)))
_RANDOM: Mapping[str, Rule] = {"rngSeed": count, "rngOffset": count}
_WINDOW: Mapping[str, Rule] = {
    "poolingType": one_of(0, 1),
    "strides": shape(1),
    "autoPadding": _FLAGS,
    "lowerPad": _EXTENTS,
    "upperPad": _EXTENTS,
}
_CONVOLUTION = _operator(
    2,
    strides=shape(1),
    dilation=shape(1),
    sharing=_FLAGS,
    autoPadding=_FLAGS,
    sequential=flag,
    lowerPad=_EXTENTS,
    upperPad=_EXTENTS,
    transpose=flag,
    outputShape=_EXTENTS,
    kernelShape=shape(INFERRED),
    maxTempMemSizeInSamples=count,
    groups=_SIZE,
)
_SAMPLE = _operator(1, numSamples=_SIZE, allowDuplicates=flag, **_RANDOM)
_DELAY = _operator(2, offset=integer(1, delay_steps))
_REDUCTIONS = one_of("Sum", "LogSum", "Mean", "Max", "Min", "Prod", "Argmax", "Argmin", "All", "Any", "Plus")
_NEW_SHAPE = shape(-3)  # free and inferred dimensions included

_WITHOUT_ATTRIBUTES = {
    (1, 1): """Negate Sigmoid Tanh ReLU Exp Log Sqrt Floor Abs Reciprocal Hardmax SumAll LogSoftmax Sin Cos Pass NoOp
        LabelsToGraph StopGradient ELU StableSigmoid Sinh Cosh UnpackBatch ToBatch Asin Acos Atanh Asinh StraightThrough Tan
        Atan""",
    (2, 2): """Plus Minus ElementTimes Equal NotEqual Less LessEqual Greater GreaterEqual PackedIndex GatherPacked SquaredError
        CrossEntropyWithSoftmax ReconcileDynamicAxis LogPlus CosDistance Pow Assign""",
    (2, 3): "ClassificationError Logistic",
    (3, 3): "ScatterPacked Clip Select LambdaRank NDCG",
    (4, 4): "CosDistanceWithNegativeSamples",
    (1, _ANY): "Combine",
}

SCHEMAS: Mapping[str, OperatorSchema] = {
    **{name: _operator(*arity) for arity, names in _WITHOUT_ATTRIBUTES.items() for name in names.split()},
    # The axis that CNTK notes with these two says nothing new (the only one, the slowest): for any other it writes a block.
    "Softmax": _operator(1, axis=axis),
    "Gather": _operator(2, axis=axis),
    "TransposeAxes": _operator(1, axis1=axis, axis2=axis, axisVec=vector(axis)),
    "Where": _operator(
        1,
        newDynamicAxes=vector(axis),
        newSequenceAxisLengthScalingFactor=_EXTENT,
        newSequenceAxisLengthAdditiveFactor=any_integer,
    ),
    "Slice": _operator(
        1,
        axis=axis,
        beginIndex=any_integer,
        endIndex=any_integer,
        sliceStrides=step,
        axisVec=vector(axis),
        beginIndexVec=vector(any_integer),
        endIndexVec=vector(any_integer),
        sliceStridesVec=vector(step),
    ),
    "Dropout": _operator(1, dropoutRate=rate, **_RANDOM),
    "Reshape": _operator(1, newShape=_NEW_SHAPE, beginAxis=axis, endAxis=axis),
    "Pooling": _operator(1, poolingWindowShape=shape(1, unknown=True), ceilOutDim=flag, includePad=flag, **_WINDOW),
    "Unpooling": _operator(2, unpoolingWindowShape=shape(1), **_WINDOW),
    "ROIPooling": _operator(2, poolingType=one_of(0, 1), roiOutputShape=shape(1), spatialScale=positive),
    "Times": _operator(2, outputRank=integer(0, rank), inferInputRankToMap=integer(-2, rank)),
    "TransposeTimes": _operator(2, outputRank=integer(0, rank)),
    "Convolution": _CONVOLUTION,
    "ConvolutionSequenceShape": _CONVOLUTION,
    "PastValue": _DELAY,
    "FutureValue": _DELAY,
    "ReduceElements": _operator(
        1, axisVec=vector(axis), axis=axis, reductionOpName=_REDUCTIONS, reductionKeepDimensions=flag, **_RANDOM
    ),
    "BatchNormalization": _operator(
        6,
        spatial=flag,
        normalizationTimeConstant=number,
        blendTimeConstant=number,
        epsilon=finite,
        useCuDNNEngine=flag,
        disableRegularization=flag,
    ),
    "Splice": _operator(1, _ANY, axis=axis),
    "RandomSample": _SAMPLE,
    "RandomSampleInclusionFrequency": _SAMPLE,
    "OptimizedRNNStack": _operator(
        2,
        bidirectional=flag,
        numLayers=integer(1, lambda limits: limits.function_inputs),
        hiddenSize=_SIZE,
        recurrentOp=one_of("lstm", "gru", "rnnReLU", "rnnTanh"),
    ),
    "EditDistanceError": _operator(
        2,
        SubstitutionPenalty=finite,
        DeletionPenalty=finite,
        InsertionPenalty=finite,
        SquashInputs=flag,
        TokensToIgnore=vector(count, lambda limits: limits.vector_elements),
    ),
    "ForwardBackward": _operator(2, BlankTokenId=count, DelayConstraint=any_integer),
    "OneHot": _operator(1, numClass=_SIZE, oneHotOutputSparse=flag, onehotAxis=axis),
    "ToSequence": _operator(1, 2, sequenceAxis=text, newDynamicAxes=vector(axis)),
    "ToSequenceLike": _operator(2, sequenceAxis=text, newDynamicAxes=vector(axis)),
    "UnpackSequence": _operator(1, sequenceUnpackPaddingValue=number, sequenceUnpackSuppressMaskOutput=flag),
    "RandomDistribution": _operator(
        0,
        1,
        randomDistributionType=one_of("uniform", "normal", "gumbel", "bernoulli"),
        randomDistributionArgs=vector(number),
        newShape=_NEW_SHAPE,
        newDataType=_DATA_TYPE,
        **_RANDOM,
    ),
    "Pad": _operator(
        1, paddingHead=vector(_EXTENT), paddingFoot=vector(_EXTENT), paddingMode=one_of(0, 1, 2), paddingConstantValue=number
    ),
    "Crop": _operator(2, 4, offset=vector(_EXTENT)),
    "TopK": _operator(1, axis=axis, numItems=_SIZE),
    "Squeeze": _operator(1, axisVec=vector(axis)),
    "ConstantOp": _operator(1, fillValue=number),
    "LatticeSequenceWithSoftmax": _operator(
        4,
        **dict.fromkeys(("SymListPath", "PhonePath", "StateListPath", "TransProbPath", "LatticeConfigPath"), text),
        **dict.fromkeys(("HSmoothingWeight", "FrameDropThresh", "SeqGammarAMF", "SeqGammarLMF"), finite),
        **dict.fromkeys(("SeqGammarBMMIFactor", "SeqGammarWordPen"), finite),
        **dict.fromkeys(("DoReferenceAlign", "SeqGammarUsesMBR"), flag),
    ),
    "Cast": _operator(1, newDataType=_DATA_TYPE),
    "EyeLikeOp": _operator(1, OutputSparse=flag),
    "CustomProxyOp": _operator(0, _ANY, customOp=text, outputShape=_EXTENTS, newDataType=_DATA_TYPE),
    "Block": OperatorSchema(0, _ANY, {}, free=True),
}
"""By the name of every primitive operator."""


def find_attribute_faults(op: str, attributes: Attributes, limits: Limits) -> Iterator[AttributeFault]:
    """The attributes of an operator that have a value of the wrong type or out of range. Attributes not in the table pass."""
    rules = SCHEMAS[op].attributes
    for key, value in attributes.items():
        expected = rules.get(key, anything)(value, limits)
        if expected is not None:
            yield AttributeFault(key, expected, _describe(value))


def find_unknown_attributes(op: str, attributes: Attributes) -> list[str]:
    """The attributes that ``op`` does not have, apart from free content of the user's own; sorted."""
    schema = SCHEMAS[op]
    return [] if schema.free else sorted(attributes.keys() - schema.attributes.keys() - {CUSTOM_ATTRIBUTES})


def _describe(value: AttributeValue) -> str:
    if isinstance(value, (bool, int, float, str, tuple)):
        return repr(value if not isinstance(value, (str, tuple)) else value[:80])[:200]
    return type(value).__name__
