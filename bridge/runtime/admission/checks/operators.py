"""The operators that are admitted: those that the converter writes. Every kernel besides would be code that a file can reach.

``CONVERTER_OPERATORS`` is the converter's own vocabulary; a test holds it against the lowering and all golden conversions.
"""

from __future__ import annotations

from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.checks.versions import STANDARD_DOMAINS
from bridge.runtime.admission.subject import Subject

OPERATORS: Final = "operators"

CONVERTER_OPERATORS: Final = frozenset(
    """
    Abs Acos Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Clip Concat Conv
    ConvTranspose Cos Cosh CumSum Div Einsum Elu Equal Exp Expand EyeLike Floor GRU Gather GatherND GlobalAveragePool
    GlobalMaxPool Greater GreaterOrEqual Hardmax Identity LSTM Less LessOrEqual Log LogSoftmax MatMul Max MaxPool
    MaxRoiPool Min Mod Mul Neg Not Or Pad Pow RNN Range Reciprocal ReduceL2 ReduceLogSumExp ReduceMax ReduceMean
    ReduceMin ReduceProd ReduceSum Relu Reshape Scan ScatterElements ScatterND Shape Sigmoid Sign Sin Sinh Slice
    Softmax Softplus Sqrt Squeeze Sub Tan Tanh TopK Transpose Unsqueeze Where
    """.split()
)
"""Every operator that a conversion may hold."""


def check_operators(subject: Subject) -> None:
    """Every node calls an operator of the table, one that the limits declare, or a function of the model itself."""
    admitted = CONVERTER_OPERATORS | subject.limits.declared_operators
    functions = {function.key for function in subject.model.functions}
    for node in subject.model.nodes():
        if (node.domain, node.operator, node.overload) in functions:
            continue
        if node.domain not in STANDARD_DOMAINS:
            raise RefusedModelError(
                OPERATORS, node.where, expected="an operator of ONNX's own", found=f"the domain {node.domain[:200]!a}"
            )
        if node.operator not in admitted:
            raise RefusedModelError(
                OPERATORS, node.where, expected="an operator that the converter writes", found=repr(node.operator[:200])
            )
