"""Types of operators that work element by element: operands broadcast over static axes, dynamic axes are equal or absent."""

from __future__ import annotations

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.rule import Operands, Result, expect_operands, first_known, rule
from bridge.graph.model import DataType
from bridge.graph.network import Node
from bridge.graph.types import broadcast_shapes, common_data_type

UNARY = (
    *(
        "Negate",
        "Sigmoid",
        "StableSigmoid",
        "Tanh",
        "ReLU",
        "Exp",
        "Log",
        "Sqrt",
        "Floor",
        "Abs",
        "Reciprocal",
        "Sin",
        "Cos",
        "Tan",
    ),
    *("Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Atanh", "ELU", "StraightThrough"),
)
IDENTITIES = ("Dropout", "Pass", "NoOp", "StopGradient", "LabelsToGraph")
SAME_TYPE = ("Softmax", "Hardmax", "LogSoftmax", "ConstantOp", "Block:Softmax", "Block:LogSoftmax")
COMPARISONS = ("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual")
BINARY = ("Plus", "Minus", "ElementTimes", "LogPlus", "Pow", *COMPARISONS)
TERNARY = ("Clip", "Select")


@rule(*UNARY, *IDENTITIES, *SAME_TYPE)
def _same_as_operand(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    return operands[0]


@rule("BatchNormalization")
def _batch_normalization(node: Node, operands: Operands) -> Result:
    expect_operands(node, 5, 6)
    return operands[0]


@rule("Cast")
def _cast(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    code = attributes.integer(node, "newDataType")
    if code not in (DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16):
        raise InvalidGraphError(f"cast to data type {code}; expected 1 (float), 2 (double) or 4 (float16)", node=node.uid)
    return None if operands[0] is None else operands[0].with_data_type(DataType(code))


@rule(*BINARY)
def _binary(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    return broadcast(node, operands)


@rule(*TERNARY)
def _ternary(node: Node, operands: Operands) -> Result:
    expect_operands(node, 3)
    return broadcast(node, operands)


@rule("Assign")
def _assign(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    return operands[1]


def broadcast(node: Node, operands: Operands) -> Result:
    """The type of operands combined element by element."""
    known = [operand for operand in operands if operand is not None]
    first = first_known(operands)
    if first is None:
        return None
    shape = broadcast_shapes([operand.shape for operand in known])
    if shape is None:
        raise InvalidGraphError(
            f"the operands of {node.op} do not fit: " + " and ".join(str(operand) for operand in known), node=node.uid
        )
    axes = max((operand.axes for operand in known), key=len)
    return first.with_shape(shape).with_axes(axes).with_data_type(common_data_type(known))
