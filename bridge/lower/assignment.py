"""Assign: an operator with a memory, which a converted model does not have."""

from __future__ import annotations

from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.value import Lowered


@lowers(
    "Assign",
    onnx="nothing (the assigned value itself)",
    exactness="exact; the parameter is not written, and the node is refused where another one reads it",
    structural=True,
)
def lower_assign(ctx: Lowering, node: Node) -> Lowered:
    """The value assigned.

    CNTK writes it to the parameter at the end of the evaluation, so that other nodes read the old value now and this one the next
    time. Where nothing among the converted nodes reads the parameter, nobody can tell.
    """
    target, value = node.inputs
    name = node.name or node.uid
    # Types are known of exactly the nodes that are converted.
    readers = [n for n in ctx.network.consumers.get(target, ()) if _reads(n, target) and n.outputs[0] in ctx.types]
    if readers:
        raise Refuse(
            f"assigns to {target}, which {readers[0].name or readers[0].uid} reads: "
            "from the second evaluation on that would be another value, and a converted model keeps no state",
            "ask for outputs that need only one of the two, or make the parameter an input of the model",
        )
    ctx.report.warn(f"{name}: the assignment to {target} is dropped; a converted model keeps no state")
    return ctx.value(value)


def _reads(node: Node, target: str) -> bool:
    """Whether a node uses the value of ``target``, and does not only write to it."""
    return target in (node.inputs[1:] if node.op == "Assign" else node.inputs)
