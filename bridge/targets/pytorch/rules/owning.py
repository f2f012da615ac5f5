"""Modules that own the parameters which they alone read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from bridge.targets.pytorch.members import MODULE, Array, Member, Tensor, torch_dtype
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue

Arguments = tuple[tuple[str, object], ...]


def owned(t: Translation, constant: ConstantValue) -> bool:
    """Whether a module may hold the constant: nothing else reads the parameter, or only in the same way."""
    if not constant.parameter:
        return True
    return t.shared.uses.of_one_kind(constant.parameter) and ("parameter", constant.parameter) not in t.shared.members


def read_once(t: Translation, constant: ConstantValue) -> bool:
    """Whether one node alone reads the constant's parameter."""
    return not constant.parameter or (t.shared.uses.count(constant.parameter) == 1 and owned(t, constant))


def constructed(
    t: Translation,
    constructor: str,
    arguments: Arguments,
    constants: Mapping[str, ConstantValue],
    hint: str,
    *,
    layouts: Mapping[str, Array] | None = None,
    extra: Mapping[str, Tensor] | None = None,
) -> Member | None:
    """The module of these arguments and weights: the same one for the same parameters.

    ``layouts`` are the weights as the module stores them, where that is not how ``constants`` has them. ``None`` when another
    module has one of the parameters already, with other arguments.
    """
    parameters = tuple(constant.parameter for constant in constants.values() if constant.parameter)
    dtype = torch_dtype(next(iter(constants.values())).dtype) if constants else "torch.float32"
    key = (constructor, arguments, parameters, tuple(constants))
    if parameters and key in t.shared.members:
        return t.shared.members[key]
    if any(uid in t.shared.owners for uid in parameters):
        return None
    layouts = layouts or {}
    tensors = {
        name: Tensor(layouts.get(name, constant.array), constant.trainable) for name, constant in constants.items()
    } | dict(extra or {})
    if dtype != "torch.float32":
        arguments = (*arguments, ("dtype", dtype))
    cntk_name = t.shared.names.of_module(t.origin)
    member = Member(MODULE, constructor, arguments, tensors, hint, t.origin, cntk_name, dtype=dtype)
    if parameters:
        t.shared.members[key] = member
    for name, constant in constants.items():
        if constant.parameter:
            t.shared.owners[constant.parameter] = (member, name)
    return member


def single_reader(node: ir.Node, operator: str) -> tuple[ir.Node, int] | None:
    """The one node of that operator that reads the node's output, and at which place; ``None`` where something else does."""
    output = node.outputs[0]
    uses = list(output.uses())
    if len(uses) != 1 or uses[0].node.op_type != operator or output.is_graph_output() or uses[0].node.graph is not node.graph:
        return None
    return uses[0].node, uses[0].idx


def bias_behind(t: Translation, node: ir.Node, channels: int, trailing: int) -> tuple[ir.Node, ConstantValue] | None:
    """The Add behind a node whose other operand is a parameter of one number per channel, with ``trailing`` dimensions of 1."""
    found = single_reader(node, "Add")
    if found is None:
        return None
    add, place = found
    other = t.constant(add.inputs[1 - place])
    if other is None or not other.parameter or not read_once(t, other):
        return None
    shape = other.array.shape
    wanted = (channels, *[1] * trailing)
    if shape[-len(wanted) :] != wanted or any(size != 1 for size in shape[: -len(wanted)]):
        return None
    return add, other


def flat(array: Array) -> Array:
    """A parameter as the vector that modules hold."""
    return np.asarray(array).reshape(-1)
