"""A graph of PyTorch's exporter, written as the converter writes graphs: the runtime admits nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir


def written_as_converted(graph: ir.Graph) -> None:
    """Write layers out as a product and a sum, and leave out attributes that say what holds without them. In place.

    What the exporter writes otherwise stays: whether the runtime admits it is for admission to say.
    """
    for node in list(graph):
        if node.op_type == "Gemm":
            _write_out(graph, node)
    for node in graph:
        _leave_out_defaults(node, graph.opset_imports[""])


def _leave_out_defaults(node: ir.Node, opset: int) -> None:
    import onnx
    import onnx_ir as ir

    if node.domain:
        return
    schema = onnx.defs.get_schema(node.op_type, opset)
    for name, attribute in list(node.attributes.items()):
        if _says_nothing(node, name):
            del node.attributes[name]
            continue
        stated = schema.attributes[name].default_value if name in schema.attributes else None
        if stated is None or stated.type == onnx.AttributeProto.UNDEFINED:
            continue
        if ir.from_proto(stated).value == attribute.value:
            del node.attributes[name]


def _says_nothing(node: ir.Node, name: str) -> bool:
    """Whether an attribute that differs from its default, or has none, makes no difference to what is computed."""
    if name == "dilations":
        return all(step == 1 for step in node.attributes.get_ints(name, ()))
    if (node.op_type, name) == ("BatchNormalization", "momentum"):
        return not node.attributes.get_int("training_mode", 0)
    if (node.op_type, name) == ("Reshape", "allowzero"):
        shape = node.inputs[1].const_value if node.inputs[1] is not None else None
        return shape is not None and 0 not in shape.numpy()
    return False


def _write_out(graph: ir.Graph, node: ir.Node) -> None:
    """A ``Gemm`` as a product and a sum, with its weights transposed."""
    import onnx_ir as ir

    kernel = node.inputs[1]
    if kernel is None or kernel.const_value is None or not _is_plain(node):
        return
    array = kernel.const_value.numpy()
    turned = array.T if node.attributes.get_int("transB", 0) else array
    name = f"{node.outputs[0].name}/weights"
    weights = ir.Value(
        name=name,
        const_value=ir.Tensor(turned.copy(), name=name),
        shape=ir.Shape(turned.shape),
        type=kernel.type,
    )
    graph.initializers[name] = weights
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    product = ir.node("MatMul", [node.inputs[0], weights])
    product.outputs[0].name = f"{node.outputs[0].name}/product"
    last = product if bias is None else ir.node("Add", [product.outputs[0], bias])
    result, old = last.outputs[0], node.outputs[0]
    result.shape, result.type = old.shape, old.type
    graph.insert_before(node, [product] if bias is None else [product, last])
    old_name = old.name
    old.replace_all_uses_with(result, replace_graph_outputs=True)
    graph.remove(node, safe=True)
    result.name = old_name
    if not kernel.uses() and kernel.name is not None:
        del graph.initializers[kernel.name]


def _is_plain(node: ir.Node) -> bool:
    """Whether a ``Gemm`` is a product and a sum, and nothing else."""
    factors = (node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0))
    return factors == (1.0, 1.0) and not node.attributes.get_int("transA", 0)
