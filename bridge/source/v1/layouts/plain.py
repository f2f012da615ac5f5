"""Operators without any fields, and those with a product's or a random generator's few."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.source.v1.readers import flag, i32, text, u64
from bridge.source.v1.record import Field, Layout

_WITHOUT_FIELDS = """
Abs Acos Asin Asinh Assign Atan Atanh Cast ClassBasedCrossEntropyWithSoftmax ClassificationError Clip ConstantOp
CosDistance CosDistanceWithNegativeSamples Cosh Cosine CrossEntropy CrossEntropyWithSoftmax CustomProxyOpNode DiagTimes
Diagonal DummyCriterion DynamicAxis ElementTimes EpochAccumulator Equal Exp ExponentialLinearUnit Floor Gather
GatherPacked Greater GreaterEqual Hardmax If KhatriRaoProduct LabelsToGraph LambdaRank Less LessEqual Log LogPlus
LogSoftmax Logistic LookupTable MatrixL1Reg MatrixL2Reg Minus NDCG1Eval Negate NotEqual OneHot OutputMultiplexer
PackedIndex Padding Pass PerDimMeanVarDeNormalization PerDimMeanVarNormalization Plus Pow RandomDistribution Reciprocal
ReconcileDynamicAxis RectifiedLinear ScatterPacked SequenceWithSoftmax Sigmoid Sin Sinh Softmax Sqrt SquareError
StableSigmoid StopGradient StraightThrough SumColumnElements SumElements Tan Tanh ToBatchAxisNode ToSequenceLike TopK
UnpackBatchAxis
""".split()

_TIMES: Layout = (
    Field("outputRank", u64, since=3, default=1),
    Field("inferInputRankToMap", i32, since=12, default=-1),
)

# Version 16 stored the seed as a C `unsigned long`: eight bytes in files from Linux, which are the ones known.
_RANDOM_STATE: Layout = (
    Field("rngSeed", u64, since=16, default=0),
    Field("rngOffset", u64, since=16, default=0),
)

_RANDOM_SAMPLE: Layout = (Field("allowDuplicates", flag), Field("numSamples", u64), *_RANDOM_STATE)

PLAIN_LAYOUTS: Mapping[str, Layout] = {
    **dict.fromkeys(_WITHOUT_FIELDS, ()),
    "Times": _TIMES,
    "TransposeTimes": _TIMES,
    "QuantizedTimes": (*_TIMES, Field("bitShiftA", u64), Field("bitShiftB", u64)),
    "Dropout": _RANDOM_STATE,
    "RandomSample": _RANDOM_SAMPLE,
    "RandomSampleInclusionFrequency": _RANDOM_SAMPLE,
    "EyeLikeOp": (Field("outputSparse", flag),),
    "Shift": (Field("fromOffset", i32), Field("boundaryMode", i32), Field("dim", i32)),
    "EnvironmentInput": (Field("propertyName", text),),
}
