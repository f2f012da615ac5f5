"""CNTK's primitive operators: ids of ``PrimitiveOpType`` and how many outputs each has."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = """
Negate Sigmoid Tanh ReLU Exp Log Sqrt Floor
Abs Reciprocal Softmax Hardmax TransposeAxes Where Slice Dropout
Reshape Pooling SumAll Plus Minus ElementTimes Equal NotEqual
Less LessEqual Greater GreaterEqual PackedIndex GatherPacked ScatterPacked Times
TransposeTimes Convolution SquaredError CrossEntropyWithSoftmax ClassificationError PastValue FutureValue ReduceElements
BatchNormalization Clip Select Splice Combine RandomSample RandomSampleInclusionFrequency ROIPooling
Logistic OptimizedRNNStack ReconcileDynamicAxis LogSoftmax LogPlus CosDistance Sin Cos
Pass Block Unpooling LambdaRank NDCG EditDistanceError NoOp LabelsToGraph
StopGradient ELU ForwardBackward CosDistanceWithNegativeSamples OneHot Pow ToSequence ToSequenceLike
UnpackSequence Assign Gather StableSigmoid RandomDistribution Sinh Cosh UnpackBatch
ToBatch Asin Acos Pad Crop Atanh Asinh TopK
Squeeze ConstantOp LatticeSequenceWithSoftmax Cast EyeLikeOp CustomProxyOp StraightThrough Tan
Atan ConvolutionSequenceShape
""".split()

OPERATORS: Mapping[int, str] = dict(enumerate(_NAMES))
"""Operator names by id, 0 to 97, as release 2.7 has them."""

OPERATOR_IDS: Mapping[str, int] = {name: number for number, name in OPERATORS.items()}

USER_DEFINED = "UserDefined"
"""``Function.op`` of user code."""

DELAYS = frozenset({"PastValue", "FutureValue"})
"""The only operators through which a cycle may pass."""
