"""How the admitted operators are called: how many inputs, which of them may be left out, which attributes, of which values.

It is narrower than ONNX: what conversions write, and no more. The engine has faults behind calls that nobody writes, such as a
Max whose first operand is left out, or a negative number of shared axes, which end the process that loads the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Values:
    """Of ``AttributeProto.type``, its integers from ``least`` to ``greatest``, its text one of ``words`` where there are any."""

    type: int
    least: int = 0
    greatest: int = 0
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Call:
    """An operator takes ``needed`` to ``most`` inputs and makes up to ``outputs`` values.

    Of the inputs beyond those needed, any may be left out by an empty name, but for an operator that takes any number
    (``any_number``).
    """

    needed: int
    most: int
    any_number: bool
    outputs: int
    attributes: Mapping[str, Values]


_MANY: Final = 4096
_GREATEST: Final = (1 << 31) - 1
_RANK: Final = 32

_KINDS: Final[Mapping[str, Values]] = {
    "number": Values(1),
    "flag": Values(2, 0, 1),
    "axis": Values(2, -_RANK, _RANK),
    "count": Values(2, 1, _GREATEST),
    "place": Values(2, 0, _RANK),
    "type": Values(2, 1, 13),
    "equation": Values(3),
    "direction": Values(3, words=frozenset({"forward", "reverse", "bidirectional"})),
    "mode": Values(3, words=frozenset({"constant", "reflect", "edge"})),
    "reduction": Values(3, words=frozenset({"none", "add"})),
    "body": Values(5),
    "axes": Values(7, -_RANK, _RANK),
    "flags": Values(7, 0, 1),
    "extents": Values(7, 1, _GREATEST),
    "padding": Values(7, 0, _GREATEST),
    "words": Values(8),
}

_REDUCTION: Final = "1-2 1 axes:axes keepdims:flag"
_WINDOW: Final = "kernel_shape:extents strides:extents pads:padding"
_CELL: Final = "hidden_size:count activations:words direction:direction"
_SCAN: Final = "scan_input_axes:axes scan_input_directions:flags scan_output_axes:axes scan_output_directions:flags"

_TABLE: Final[Mapping[str, str]] = {
    **dict.fromkeys("Abs Acos Asin Asinh Atan Atanh Ceil Cos Cosh Exp EyeLike Floor GlobalAveragePool".split(), "1 1"),
    **dict.fromkeys("GlobalMaxPool Identity Log Neg Not Reciprocal Relu Sigmoid Sign Sin Sinh Softplus Sqrt".split(), "1 1"),
    **dict.fromkeys("Tan Tanh".split(), "1 1"),
    **dict.fromkeys("Add And CumSum Div Equal Expand Greater GreaterOrEqual Less LessOrEqual MatMul Mod".split(), "2 1"),
    **dict.fromkeys("Mul Or Pow Reshape Sub Unsqueeze".split(), "2 1"),
    **dict.fromkeys("Range Where".split(), "3 1"),
    **dict.fromkeys("Max Min".split(), f"1-{_MANY}! 1"),
    **dict.fromkeys("ArgMax ArgMin".split(), "1 1 axis:axis keepdims:flag select_last_index:flag"),
    **dict.fromkeys("Hardmax LogSoftmax Softmax".split(), "1 1 axis:axis"),
    **dict.fromkeys("ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd".split(), _REDUCTION),
    "AveragePool": f"1 1 {_WINDOW} count_include_pad:flag",
    "BatchNormalization": "5 1 epsilon:number",
    "Cast": "1 1 to:type",
    "Clip": "1-3 1",
    "Concat": f"1-{_MANY}! 1 axis:axis",
    "Conv": f"2-3 1 {_WINDOW} dilations:extents group:count",
    "ConvTranspose": f"2-3 1 {_WINDOW} output_padding:padding",
    "Einsum": "2 1 equation:equation",
    "Elu": "1 1 alpha:number",
    "GRU": f"3-6 2 {_CELL} linear_before_reset:flag",
    "Gather": "2 1 axis:axis",
    "GatherND": "2 1 batch_dims:place",
    "LSTM": f"3-8 3 {_CELL}",
    "MaxPool": f"1 2 {_WINDOW}",
    "MaxRoiPool": "2 1 pooled_shape:extents spatial_scale:number",
    "Pad": "2-4 1 mode:mode",
    "ReduceSum": "1-2 1 keepdims:flag",
    "RNN": f"3-6 2 {_CELL}",
    "Scan": f"1-{_MANY}! {_MANY} body:body num_scan_inputs:count {_SCAN}",
    "ScatterElements": "3 1 axis:axis reduction:reduction",
    "ScatterND": "3 1 reduction:reduction",
    "Shape": "1 1 start:axis end:axis",
    "Slice": "3-5 1",
    "Squeeze": "1-2 1",
    "TopK": "2 2 axis:axis largest:flag sorted:flag",
    "Transpose": "1 1 perm:axes",
}
"""By operator: inputs (needed, or needed-most, with "!" for any number), outputs, attributes with their kinds."""


def _read(line: str) -> Call:
    inputs, outputs, *attributes = line.split()
    needed, _, most = inputs.rstrip("!").partition("-")
    named = {name: _KINDS[kind] for name, kind in (attribute.split(":") for attribute in attributes)}
    return Call(int(needed), int(most or needed), inputs.endswith("!"), int(outputs), named)


CALLS: Final[Mapping[str, Call]] = {operator: _read(line) for operator, line in _TABLE.items()}
"""By operator."""
