"""Single rules on forms that the attacks leave out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from bridge.errors import RefusedModelError
from bridge.runtime.admission.admitting import admit
from bridge.runtime.limits import ModelLimits
from tests.runtime.admission.honest import INTERFACE, Change, add_nodes, changed, external_weights, honest_model, integers


def refused(data: bytes, external: dict[str, bytes] | None = None, limits: ModelLimits | None = None) -> str:
    with pytest.raises(RefusedModelError) as error:
        admit(memoryview(data), {name: memoryview(octets) for name, octets in (external or {}).items()}, limits or ModelLimits())
    return error.value.check


def attribute(**fields: object) -> Change:
    node = helper.make_node("Softmax", ["x"], ["s"])
    node.attribute.append(AttributeProto(**fields))  # type: ignore[arg-type]
    return add_nodes([node])


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "axis", "type": AttributeProto.INT, "i": 1, "ints": [1]},
        {"name": "axis", "type": AttributeProto.INT, "f": 1.0},
        {"name": "axis", "type": AttributeProto.UNDEFINED, "i": 1},
        {"name": "axis", "type": AttributeProto.INT, "i": 1, "ref_attr_name": "other"},
        {"name": "axis", "type": AttributeProto.TENSOR},
        {"name": "axis", "type": AttributeProto.GRAPH, "g": helper.make_graph([], "g", [], [])},
    ],
)
def test_attribute_with_two_readings_is_refused(fields: dict[str, object]) -> None:
    assert refused(changed(attribute(**fields))) == "attributes"


def test_attribute_twice_is_refused() -> None:
    node = helper.make_node("Softmax", ["x"], ["s"], axis=1)
    node.attribute.append(helper.make_attribute("axis", 0))
    assert refused(changed(add_nodes([node]))) == "attributes"


def test_value_that_is_read_before_it_is_made_is_refused() -> None:
    nodes = [helper.make_node("Neg", ["b"], ["a"]), helper.make_node("Neg", ["x"], ["b"])]
    assert refused(changed(add_nodes(nodes))) == "names"


def test_output_twice_is_refused() -> None:
    model = honest_model()
    model.graph.output.append(model.graph.output[0])
    assert refused(model.SerializeToString()) == "names"


def test_ranges_that_overlap_are_refused() -> None:
    def change(model: onnx.ModelProto) -> None:
        other = model.graph.initializer.add(name="v", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", "model.onnx.data"), ("offset", "44"), ("length", "8")):
            other.external_data.add(key=key, value=value)

    apart = changed(external_weights(location="model.onnx.data", offset="0", length="48"), change)
    assert refused(apart, {"model.onnx.data": bytes(64)}) == "external-data"
    admit(memoryview(apart.replace(b"\x0244", b"\x0248")), {"model.onnx.data": memoryview(bytes(64))}, ModelLimits())


@pytest.mark.parametrize("number", ["00", "+0", " 0", "0x0", "١", "1" * 30, ""])  # The fifth is a digit of Arabic script.
def test_number_in_another_form_is_refused(number: str) -> None:
    data = changed(external_weights(location="model.onnx.data", offset=number, length="48"))
    assert refused(data, {"model.onnx.data": bytes(64)}) == "external-data"


def test_function_that_calls_itself_is_refused() -> None:
    model = honest_model()
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    for name, called in (("f", "g"), ("g", "f")):
        node = helper.make_node(called, ["a"], ["b"], domain="local")
        model.functions.append(helper.make_function("local", name, ["a"], ["b"], [node], opsets))
    assert refused(model.SerializeToString(), limits=ModelLimits(functions=9)) == "functions"


def test_long_chain_of_functions_is_counted_without_recursion() -> None:
    model = honest_model()
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    for level in range(5000):
        called, domain = (f"f{level + 1}", "local") if level < 4999 else ("Neg", "")
        node = helper.make_node(called, ["a"], ["b"], domain=domain)
        model.functions.append(helper.make_function("local", f"f{level}", ["a"], ["b"], [node], opsets))
    model.opset_import.append(helper.make_opsetid("local", 1))
    admit(memoryview(model.SerializeToString()), {}, ModelLimits(functions=5000))
    assert refused(model.SerializeToString(), limits=ModelLimits(functions=5000, expanded_nodes=4000)) == "functions"


def _shape(change: Callable[[onnx.TypeProto], object]) -> bytes:
    model = honest_model()
    change(model.graph.input[0].type)
    return model.SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        _shape(lambda stated: setattr(stated.tensor_type, "elem_type", TensorProto.DOUBLE)),
        _shape(lambda stated: setattr(stated.tensor_type.shape.dim[1], "dim_value", 5)),
        _shape(lambda stated: setattr(stated.tensor_type.shape.dim[0], "dim_param", "M")),
        _shape(lambda stated: stated.tensor_type.ClearField("shape")),
    ],
)
def test_input_other_than_signed_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedModelError) as error:
        admit(memoryview(data), {}, ModelLimits(), INTERFACE)
    assert error.value.check == "signed-interface"


@pytest.mark.parametrize(
    ("nodes", "tensors"),
    [
        ([helper.make_node("Range", ["a", "b", "c"], ["r"])], {"a": 0, "b": 1 << 40, "c": 1}),
        ([helper.make_node("Pad", ["w", "p"], ["r"])], {"p": [0, 0, 1 << 20, 1 << 20]}),
        (
            [helper.make_node("Gather", ["w", "i"], ["g"]), helper.make_node("MatMul", ["g", "h"], ["r"])],
            {"i": [0] * 99, "h": None},
        ),
        (
            [helper.make_node("Reshape", ["x", "s"], ["q"]), helper.make_node("Expand", ["q", "e"], ["r"])],
            {"s": [1, 4], "e": [1 << 30, 4]},
        ),
    ],
)
def test_large_results_of_other_operators_are_foreseen(nodes: list[onnx.NodeProto], tensors: dict[str, object]) -> None:
    made = [
        numpy_helper.from_array(np.zeros((3, 1 << 20), np.float32) if value is None else np.array(value, np.int64), name)
        for name, value in tensors.items()
    ]
    assert refused(changed(add_nodes(nodes, made)), limits=ModelLimits(made_bytes=1 << 28)) == "made-bytes"


def test_work_that_is_large_and_honest_is_admitted() -> None:
    nodes = [helper.make_node("Expand", ["x", "s"], ["e"])]
    admit(memoryview(changed(add_nodes(nodes, [integers("s", 1000, 4)]))), {}, ModelLimits(), INTERFACE)


def test_operator_can_be_declared_beyond_the_converters_own() -> None:
    data = changed(add_nodes([helper.make_node("Erf", ["x"], ["e"])]))
    assert refused(data) == "operators"
    admit(memoryview(data), {}, ModelLimits(declared_operators=frozenset({"Erf"})))


def test_more_messages_than_any_model_has_are_refused_while_they_are_read() -> None:
    """Two bytes of a file are an empty node, which takes two hundred times that in memory."""
    assert refused(changed(), limits=ModelLimits(messages=5)) == "wire-format"
