"""Small CNTK models, written as a program writes them, converted and run: what tests of lowerings are made of.

    graph = Graph()
    x = graph.input("x", (3,))
    y = graph.run(graph.op("Softmax", x), {x: values})

A ``Graph`` is a ``bridge.graph.model.Model`` under construction. Values are named by their uids. Shapes are row-major; attributes
are given as a file holds them: axes and shapes column-major.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir
import onnxruntime

from bridge.graph.blocks import kept_blocks
from bridge.graph.inference import infer
from bridge.graph.interface import choose
from bridge.graph.model import (
    DEFAULT_BATCH_AXIS,
    DEFAULT_SEQUENCE_AXIS,
    Attributes,
    AttributeValue,
    Axis,
    AxisKind,
    Block,
    DataType,
    Function,
    Model,
    Tensor,
    Variable,
    VariableKind,
)
from bridge.graph.network import dissolve
from bridge.lower import LoweredModel, LoweringOptions, evaluation_order, lower_model

Array = npt.NDArray[Any]
Feeds = Mapping[str, Any]
"""What inputs are fed, by public name: anything that numpy makes an array of."""

STATIC: tuple[Axis, ...] = ()
"""The dynamic axes of an input that has none."""
BATCH = (DEFAULT_BATCH_AXIS,)
SEQUENCE = (DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS)
ALL_STATIC = Axis(AxisKind.ALL_STATIC)

_DATA_TYPES = {"float32": DataType.FLOAT, "float64": DataType.DOUBLE, "float16": DataType.FLOAT16}


def static_axis(index: int) -> Axis:
    """A static axis as a file states it: column-major, so that 0 is the last of a numpy shape."""
    return Axis(AxisKind.STATIC, index)


class Converted:
    """A converted model, accepted by ONNX's own checker and loaded: runs as often as a test likes."""

    def __init__(self, lowered: LoweredModel) -> None:
        self.lowered = lowered
        proto = ir.to_proto(lowered.model)
        onnx.checker.check_model(proto, full_check=True)
        quiet = onnxruntime.SessionOptions()
        quiet.log_severity_level = 4  # What fails raises; the log would only repeat it.
        self._session = onnxruntime.InferenceSession(proto.SerializeToString(), quiet, providers=["CPUExecutionProvider"])

    def run(self, feeds: Feeds, lengths: Sequence[int] | None = None) -> dict[str, Array]:
        """Outputs by public name, lengths of the sequence axes that the model makes among them."""
        given = {port.name: np.asarray(feeds[port.name], port.dtype) for port in self.lowered.inputs if port.name in feeds}
        if lengths is not None:
            given["lengths"] = np.array(lengths, np.int64)
        return dict(zip([port.name for port in self.lowered.outputs], self._session.run(None, given), strict=True))

    @property
    def operators(self) -> list[str]:
        """The ONNX operators, in order; those of loop bodies are not among them."""
        return [node.op_type for node in self.lowered.model.graph]


class Graph:
    """A CNTK model under construction."""

    def __init__(self) -> None:
        self._functions: dict[str, Function] = {}
        self._variables: dict[str, Variable] = {}
        self._numbers = itertools.count()  # A number is never used twice: bound placeholders leave the model.

    def input(
        self,
        name: str,
        shape: Sequence[int],
        axes: tuple[Axis, ...] = BATCH,
        dtype: npt.DTypeLike = np.float32,
        *,
        sparse: bool = False,
    ) -> str:
        """An input variable; its name is its uid."""
        data_type = _DATA_TYPES[np.dtype(dtype).name]
        self._variables[name] = Variable(name, VariableKind.INPUT, data_type, tuple(shape), axes, name, is_sparse=sparse)
        return name

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """A constant."""
        return self._leaf("Constant", VariableKind.CONSTANT, value, dtype)

    def parameter(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """A parameter."""
        return self._leaf("Parameter", VariableKind.PARAMETER, value, dtype)

    def op(self, operator: str, *inputs: str, outputs: int = 1, name: str = "", **attributes: AttributeValue) -> str:
        """Apply an operator; the uid of its first output. The others end in ``_1`` and so on instead of ``_0``."""
        return self._add(operator, inputs, attributes, None, outputs, name)

    def placeholder(self, name: str) -> str:
        """A placeholder, to be bound by ``block``."""
        self._variables[name] = Variable(name, VariableKind.PLACEHOLDER, DataType.UNKNOWN, None)
        return name

    def block(self, name: str, root: str, arguments: Mapping[str, str], **attributes: AttributeValue) -> str:
        """A block called ``name`` around what computes ``root``, its placeholders bound to ``arguments``."""
        inside = next(function.uid for function in self._functions.values() if root in function.outputs)
        return self._add("Block", tuple(arguments.values()), attributes, Block(name, inside, dict(arguments)), 1, "")

    def delay(self, operator: str, initial: str, steps: int = 1) -> tuple[str, str]:
        """A PastValue or FutureValue of a value still to come: the placeholder to ``bind`` later, and the delayed value."""
        hole = self.placeholder(f"placeholder{next(self._numbers)}")
        return hole, self.op(operator, hole, initial, offset=steps)

    def bind(self, placeholder: str, value: str) -> None:
        """Put ``value`` wherever ``placeholder`` stands: how a cycle is closed."""
        del self._variables[placeholder]
        for uid, function in self._functions.items():
            inputs = tuple(value if name == placeholder else name for name in function.inputs)
            self._functions[uid] = Function(
                uid, function.op, inputs, function.outputs, function.name, function.attributes, function.block
            )

    def model(self, *outputs: str) -> Model:
        """The model whose root yields ``outputs``."""
        root = "root"
        functions = {**self._functions, root: Function(root, "Combine", outputs, ())}
        return Model("v2", "made by a test", root, functions, self._variables)

    def lower(self, *outputs: str, options: LoweringOptions | None = None) -> LoweredModel:
        """The converted model of ``outputs``, metrics and losses among them."""
        model = self.model(*outputs)
        network = dissolve(model, kept_blocks(model))
        interface = choose(network, list(outputs))
        order = evaluation_order(network, interface)
        return lower_model(network, infer(network, order), order, interface, options or LoweringOptions())

    def convert(self, *outputs: str, options: LoweringOptions | None = None) -> Converted:
        """The converted model of ``outputs``, ready to run."""
        return Converted(self.lower(*outputs, options=options))

    def run_all(
        self,
        outputs: Sequence[str],
        feeds: Feeds,
        lengths: Sequence[int] | None = None,
        options: LoweringOptions | None = None,
    ) -> dict[str, Array]:
        """Convert and run ``outputs`` with onnxruntime: values by uid, and lengths of the sequence axes that the model makes."""
        return self.convert(*outputs, options=options).run(feeds, lengths)

    def run(self, output: str, feeds: Feeds, lengths: Sequence[int] | None = None) -> Array:
        """Convert and run the model of one output: its value."""
        return self.run_all([output], feeds, lengths)[output]

    def operators(self, *outputs: str) -> list[str]:
        """The ONNX operators of the converted model, in order."""
        return [node.op_type for node in self.lower(*outputs).model.graph]

    def _leaf(self, prefix: str, kind: VariableKind, value: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        array = np.asarray(value, dtype)
        uid = f"{prefix}{next(self._numbers)}"
        tensor = Tensor(_DATA_TYPES[array.dtype.name], array.shape, array.reshape(-1))
        self._variables[uid] = Variable(uid, kind, tensor.data_type, array.shape, value=tensor)
        return uid

    def _add(
        self, operator: str, inputs: tuple[str, ...], attributes: Attributes, block: Block | None, outputs: int, name: str
    ) -> str:
        uid = f"{operator}{len(self._functions)}"
        made = tuple(f"{uid}_Output_{k}" for k in range(outputs))
        self._functions[uid] = Function(uid, operator, inputs, made, name, attributes, block)
        return made[0]
