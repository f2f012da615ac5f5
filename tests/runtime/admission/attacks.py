"""Attacks on the model file by class, each with the check that refuses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.runtime.limits import ModelLimits
from tests.runtime.admission.honest import WEIGHTS, add_nodes, changed, external_weights, honest_model, integers

BESIDE = {"model.onnx.data": WEIGHTS.tobytes()}


@dataclass(frozen=True)
class Attack:
    """``build`` makes the model's bytes. ``check`` refuses it; with ``also`` switched off too, nothing does.

    ``lax`` are the limits that stand for a check that is no function: reading, which is bounded by them.
    """

    number: int
    name: str
    check: str
    build: Callable[[], bytes]
    also: tuple[str, ...] = ()
    external: Mapping[str, bytes] = field(default_factory=dict)
    limits: ModelLimits = field(default_factory=ModelLimits)
    lax: ModelLimits | None = None


def _location(text: str, **more: str) -> bytes:
    return changed(external_weights(location=text, offset="0", length="48", **more))


def _function_bomb(levels: int) -> bytes:
    """Each function calls the one before twice."""
    model = honest_model()
    model.opset_import.append(helper.make_opsetid("local", 1))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    for level in range(levels):
        called, domain = ("Neg", "") if level == 0 else (f"f{level - 1}", "local")
        nodes = [helper.make_node(called, ["a"], ["b"], domain=domain), helper.make_node(called, ["b"], ["c"], domain=domain)]
        model.functions.append(helper.make_function("local", f"f{level}", ["a"], ["c"], nodes, opsets))
    model.graph.node[0].input[0] = "bombed"
    add_nodes([helper.make_node(f"f{levels - 1}", ["x"], ["bombed"], domain="local")])(model)
    return model.SerializeToString()


def _custom_operator(domain: str, operator: str) -> bytes:
    def change(model: onnx.ModelProto) -> None:
        if domain:
            model.opset_import.append(helper.make_opsetid(domain, 1))
        model.graph.node[0].input[0] = "made"

    return changed(change, add_nodes([helper.make_node(operator, ["x"], ["made"], domain=domain)]))


def _loop(trips: onnx.TensorProto) -> bytes:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["going"]), helper.make_node("Identity", ["state"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, ["N", 4]),
        ],
        [
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, ["N", 4]),
        ],
    )

    def change(model: onnx.ModelProto) -> None:
        model.graph.node[0].input[0] = "looped"

    return changed(change, add_nodes([helper.make_node("Loop", ["trips", "", "x"], ["looped"], body=body)], [trips]))


def _scan(extent: int) -> bytes:
    """A Scan over so many zeros, which take no room in the file."""
    body = helper.make_graph(
        [helper.make_node("Add", ["state", "each"], ["next"])],
        "body",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in ("state", "each")],
        [helper.make_tensor_value_info("next", TensorProto.FLOAT, [])],
    )
    zero = numpy_helper.from_array(np.array(0, np.float32), "zero")
    nodes = [
        helper.make_node("Expand", ["zero", "extent"], ["zeros"]),
        helper.make_node("Scan", ["zero", "zeros"], ["summed"], body=body, num_scan_inputs=1),
    ]
    return changed(add_nodes(nodes, [zero, integers("extent", extent)]))


def _bomb(operator: str, *shape: int) -> bytes:
    """So many elements, of a shape that is a constant."""
    first = ["zero"] if operator == "Expand" else []
    zero = numpy_helper.from_array(np.array(0, np.float32), "zero")
    nodes = [helper.make_node(operator, [*first, "shape"], ["large"])]
    return changed(add_nodes(nodes, [zero, integers("shape", *shape)]))


def _outer_product() -> bytes:
    column, row = np.zeros((60_000, 1), np.float32), np.zeros((1, 60_000), np.float32)
    tensors = [numpy_helper.from_array(column, "column"), numpy_helper.from_array(row, "row")]
    return changed(add_nodes([helper.make_node("MatMul", ["column", "row"], ["large"])], tensors))


def _doubling() -> bytes:
    """Each Concat doubles what is there."""
    names = ["w", *[f"d{level}" for level in range(40)]]
    nodes = [helper.make_node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names)]
    return changed(add_nodes(nodes))


def _computed_shape() -> bytes:
    """A shape that is computed from the input's own, times a constant."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Mul", ["s", "factor"], ["shape"]),
        helper.make_node("Expand", ["zero", "shape"], ["large"]),
    ]
    return changed(add_nodes(nodes, [numpy_helper.from_array(np.array(0, np.float32), "zero"), integers("factor", 1 << 20)]))


def _node(operator: str, inputs: list[str], **attributes: Any) -> bytes:
    index = integers("index", 0)
    return changed(add_nodes([helper.make_node(operator, inputs, ["made"], **attributes)], [index]))


def _zeros(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def _all_pairs() -> bytes:
    tensors = [_zeros("column", 1 << 16), _zeros("row", 1 << 16)]
    return changed(add_nodes([helper.make_node("Einsum", ["column", "row"], ["large"], equation="a,b->ab")], tensors))


def _expanded_slice() -> bytes:
    nodes = [
        helper.make_node("Slice", ["many", "start", "end"], ["part"]),
        helper.make_node("Expand", ["part", "shape"], ["large"]),
    ]
    tensors = [_zeros("many", 512), integers("start", 0), integers("end", 512), integers("shape", 1 << 16, 1 << 16, 512)]
    return changed(add_nodes(nodes, tensors))


def _extent_of_a_kernel() -> bytes:
    """The exponential of 23.5 is 16 thousand million."""
    numbers = {"power": 23.5, "zero": 0.0, "one": 1.0}
    nodes = [helper.make_node("Exp", ["power"], ["limit"]), helper.make_node("Range", ["zero", "limit", "one"], ["large"])]
    return changed(
        add_nodes(nodes, [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in numbers.items()])
    )


def _wide_cell() -> bytes:
    """One feature in, a thousand out, for each of many steps."""
    nodes = [
        helper.make_node("Expand", ["zero", "steps"], ["long"]),
        helper.make_node("LSTM", ["long", "weights", "recurrent"], ["large"], hidden_size=1024),
    ]
    tensors = [_zeros("zero", 1), _zeros("weights", 1, 4096, 1), _zeros("recurrent", 1, 4096, 1024)]
    return changed(add_nodes(nodes, [*tensors, integers("steps", 1 << 14, 1 << 10, 1)]))


def _doubling_state() -> bytes:
    body = helper.make_graph(
        [helper.make_node("Concat", ["state", "state"], ["next"], axis=0)],
        "body",
        [
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("each", TensorProto.FLOAT, []),
        ],
        [helper.make_tensor_value_info("next", TensorProto.FLOAT, None)],
    )
    node = helper.make_node("Scan", ["first", "many"], ["last"], body=body, num_scan_inputs=1)
    return changed(add_nodes([node], [_zeros("first", 1), _zeros("many", 60)]))


def _stated_result() -> bytes:
    node = helper.make_node("ConvTranspose", ["pixel", "kernel"], ["large"], output_shape=[1 << 17, 1 << 17])
    return changed(add_nodes([node], [_zeros("pixel", 1, 1, 1, 1), _zeros("kernel", 1, 1, 1, 1)]))


def _two_data(tensor: onnx.TensorProto) -> None:
    tensor.float_data.extend([666.0] * 12)


def _strings() -> bytes:
    tensor = onnx.TensorProto(name="text", data_type=TensorProto.STRING, dims=[1], string_data=[b"t" * 1000])
    return changed(add_nodes([], [tensor]))


def _constant_with_two_data() -> bytes:
    node = helper.make_node("Constant", [], ["made"], value=numpy_helper.from_array(WEIGHTS, ""))
    _two_data(node.attribute[0].t)
    return changed(add_nodes([node]))


def _body_with_two_data() -> bytes:
    model = onnx.ModelProto.FromString(_scan(3))
    tensor = numpy_helper.from_array(WEIGHTS, "inner")
    _two_data(tensor)
    model.graph.node[1].attribute[0].g.initializer.append(tensor)
    return model.SerializeToString()


def _deep(levels: int) -> bytes:
    """Graphs in graphs."""
    graph = helper.make_graph([], "deepest", [], [])
    for level in range(levels):
        graph = helper.make_graph([helper.make_node("Scan", [], [], body=graph, name=f"n{level}")], "deep", [], [])
    model = honest_model()
    model.graph.node.append(graph.node[0])
    return model.SerializeToString()


def _with(change: Callable[[onnx.ModelProto], object]) -> Callable[[], bytes]:
    def build() -> bytes:
        def apply(model: onnx.ModelProto) -> None:
            change(model)

        return changed(apply)

    return build


def _rename_dims(*dims: int) -> Callable[[onnx.ModelProto], object]:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer.add(name="odd", data_type=TensorProto.FLOAT, dims=dims)
        tensor.raw_data = b""

    return change


_LOOPS = ModelLimits(declared_operators=frozenset({"Loop"}))
_CONSTANTS = ModelLimits(declared_operators=frozenset({"Constant"}))
_OF_SHAPE = ModelLimits(declared_operators=frozenset({"ConstantOfShape"}))
_MANY_FUNCTIONS = ModelLimits(functions=100)
_TRIPS = numpy_helper.from_array(np.array(1 << 62, np.int64), "trips")

ATTACKS = (
    Attack(1, "data in a folder above", "external-data", lambda: _location("../../etc/passwd"), external=BESIDE),
    Attack(1, "data at an absolute path", "external-data", lambda: _location("/etc/passwd"), external=BESIDE),
    Attack(1, "data on a Windows drive", "external-data", lambda: _location("C:\\secret"), external=BESIDE),
    Attack(1, "data on a network share", "external-data", lambda: _location("\\\\host\\share"), external=BESIDE),
    Attack(5, "a file that was not signed", "external-data", lambda: _location("other.data"), external=BESIDE),
    Attack(
        5,
        "a checksum that no engine looks at",
        "external-data",
        lambda: _location("model.onnx.data", checksum="0"),
        external=BESIDE,
    ),
    Attack(
        6,
        "a negative offset",
        "external-data",
        lambda: changed(external_weights(location="model.onnx.data", offset="-4", length="48")),
        external=BESIDE,
    ),
    Attack(
        6,
        "a length of petabytes",
        "external-data",
        lambda: changed(external_weights(location="model.onnx.data", offset="0", length=str(1 << 50))),
        external=BESIDE,
    ),
    Attack(6, "an injected key", "external-data", lambda: _location("model.onnx.data", basepath="/etc"), external=BESIDE),
    Attack(
        9,
        "an address in the engine's memory",
        "memory-address",
        lambda: _location("*/_ORT_MEM_ADDR_/*"),
        also=("external-data",),
        external=BESIDE,
    ),
    Attack(
        10,
        "a vendor's binary in an EPContext node",
        "versions",
        lambda: _custom_operator("com.microsoft", "EPContext"),
        also=("operators",),
    ),
    Attack(
        11, "an operator of another library", "versions", lambda: _custom_operator("ai.onnx.contrib", "PyOp"), also=("operators",)
    ),
    Attack(11, "PythonOp", "versions", lambda: _custom_operator("org.pytorch.aten", "PythonOp"), also=("operators",)),
    Attack(12, "options of a session", "metadata", _with(lambda m: m.metadata_props.add(key="ort_config", value="{}"))),
    Attack(13, "a kernel that no conversion needs", "operators", lambda: _custom_operator("", "Det")),
    Attack(13, "a maximum whose first operand is left out", "calls", lambda: _node("Max", ["", "x"])),
    Attack(13, "a negative number of shared axes", "calls", lambda: _node("GatherND", ["w", "index"], batch_dims=-(1 << 31))),
    Attack(
        13,
        "an equation that is none",
        "calls",
        lambda: _node("Einsum", ["x", "w"], equation="i...,j...->ij..."),
        also=("made-bytes",),
    ),
    Attack(13, "an operator set of the future", "versions", _with(lambda m: setattr(m.opset_import[0], "version", 27))),
    Attack(13, "an IR version of the past", "versions", _with(lambda m: setattr(m, "ir_version", 3))),
    Attack(14, "functions that double 24 times", "functions", lambda: _function_bomb(24), limits=_MANY_FUNCTIONS),
    Attack(14, "functions where none are declared", "functions", lambda: _function_bomb(2)),
    Attack(
        14,
        "more nesting than anybody needs",
        "wire-format",
        lambda: _deep(20),
        also=("counts", "attributes", "calls", "names", "made-bytes", "loops"),
        lax=ModelLimits(wire_depth=200),
    ),
    Attack(14, "bodies in bodies", "counts", lambda: _deep(9), also=("calls", "loops", "made-bytes")),
    Attack(14, "a name of a megabyte", "counts", _with(lambda m: setattr(m.graph.node[0], "name", "n" * 100_000))),
    Attack(14, "more nodes than admitted", "counts", _doubling, also=("made-bytes",), limits=ModelLimits(nodes=20)),
    Attack(14, "extents that overflow", "dimensions", _with(_rename_dims(1 << 40, 1 << 40, 0)), also=("made-bytes", "loops")),
    Attack(14, "a negative extent", "dimensions", _with(_rename_dims(-1, 0))),
    Attack(14, "strings as weights", "tensor-types", _strings, also=("tensor-data",)),
    Attack(15, "an endless Loop", "operators", lambda: _loop(_TRIPS), also=("loops",)),
    Attack(15, "an endless Loop where Loop is declared", "loops", lambda: _loop(_TRIPS), limits=_LOOPS),
    Attack(15, "a Scan of a hundred million steps", "loops", lambda: _scan(10**8)),
    Attack(16, "6.4 GB by ConstantOfShape", "made-bytes", lambda: _bomb("ConstantOfShape", 40_000, 40_000), limits=_OF_SHAPE),
    Attack(16, "terabytes by Expand", "made-bytes", lambda: _bomb("Expand", 1 << 20, 1 << 20)),
    Attack(16, "the product of a column and a row", "made-bytes", _outer_product),
    Attack(16, "Concat of itself, 40 times", "made-bytes", _doubling),
    Attack(16, "a shape computed from the input's", "made-bytes", _computed_shape),
    Attack(16, "every pair of two vectors, by Einsum", "made-bytes", _all_pairs),
    Attack(16, "a Slice, after which a shape would be forgotten", "made-bytes", _expanded_slice),
    Attack(16, "an extent that only a kernel computes", "made-bytes", _extent_of_a_kernel),
    Attack(16, "hidden values of a recurrent cell", "made-bytes", _wide_cell),
    Attack(16, "a Scan whose state doubles with each step", "made-bytes", _doubling_state),
    Attack(16, "a convolution that states its result's shape", "calls", _stated_result, also=("made-bytes",)),
    Attack(17, "an initializer with two values", "tensor-data", _with(lambda m: _two_data(m.graph.initializer[0]))),
    Attack(17, "a Constant with two values", "tensor-data", _constant_with_two_data, limits=_CONSTANTS),
    Attack(17, "two values in the body of a Scan", "tensor-data", _body_with_two_data),
    Attack(
        17,
        "data here and in a file",
        "tensor-data",
        _with(lambda m: m.graph.initializer[0].external_data.add(key="location", value="model.onnx.data")),
        also=("external-data",),
        external=BESIDE,
    ),
    Attack(18, "an unknown field", "unknown-fields", lambda: changed() + b"\xfa\x3f\x06hidden"),
    Attack(18, "a second graph, which some readers merge", "repeated-fields", lambda: changed() + changed(), also=("versions",)),
    Attack(
        18, "sparse weights, which some readers pass over", "parts-of-onnx", _with(lambda m: m.graph.sparse_initializer.add())
    ),
    Attack(18, "code for training", "parts-of-onnx", _with(lambda m: m.training_info.add())),
    Attack(18, "an archive behind the model", "unknown-fields", lambda: changed() + b"\xfa\x7f\x08PK\x03\x04 zip"),
    Attack(
        20, "a node's name twice", "names", lambda: changed(add_nodes([helper.make_node("Neg", ["x"], ["n"], name="product")]))
    ),
    Attack(20, "a value made twice", "names", lambda: changed(add_nodes([helper.make_node("Neg", ["x"], ["w"])]))),
    Attack(20, "an initializer twice", "names", _with(lambda m: m.graph.initializer.append(m.graph.initializer[0]))),
    Attack(
        20,
        "weights that a caller may replace",
        "shadowed-initializers",
        _with(lambda m: m.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3]))),
        also=("signed-interface",),
    ),
    Attack(
        21,
        "the weights of another model",
        "signed-interface",
        _with(lambda m: setattr(m.graph.output[0].type.tensor_type.shape.dim[1], "dim_value", 5)),
    ),
)
"""Every attack on a file's content. Those on paths, time, names of files and calls have tests of their own."""
