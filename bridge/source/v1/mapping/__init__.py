"""From the nodes of a v1 file to a ``Model`` in the vocabulary of CNTK 2.

Names, orders of inputs and attributes become what a v2 file would hold, so that nothing behind ``bridge.source`` knows which
format a model came from. What CNTK 2 has no operator for is written in those it has, where that is exact; what cannot be
written so stays a function under its v1 name, to be refused by that name if it is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bridge.errors import InvalidGraphError, LimitExceededError
from bridge.graph.model import Model
from bridge.limits import Limits
from bridge.source.v1.cursor import shown
from bridge.source.v1.mapping.builder import Builder, Translation
from bridge.source.v1.mapping.criteria import CRITERION_RULES
from bridge.source.v1.mapping.hazards import unprintable_names
from bridge.source.v1.mapping.images import IMAGE_RULES
from bridge.source.v1.mapping.leaves import add_leaf, is_leaf
from bridge.source.v1.mapping.names import output_uid, split_name
from bridge.source.v1.mapping.normalization import NORMALIZATION_RULES
from bridge.source.v1.mapping.plain import PLAIN_RULES
from bridge.source.v1.mapping.products import PRODUCT_RULES
from bridge.source.v1.mapping.roots import add_root, check_cycles
from bridge.source.v1.mapping.rules import Rule
from bridge.source.v1.mapping.scalars import scalar_nodes
from bridge.source.v1.mapping.sequences import SEQUENCE_RULES
from bridge.source.v1.mapping.shapes import SHAPE_RULES
from bridge.source.v1.raw import RawModel, RawNode

RULES: Mapping[str, Rule] = {
    **PLAIN_RULES,
    **PRODUCT_RULES,
    **SHAPE_RULES,
    **IMAGE_RULES,
    **NORMALIZATION_RULES,
    **SEQUENCE_RULES,
    **CRITERION_RULES,
}
"""How every operator but the leaves is translated, by its v1 name."""

__all__ = ["RULES", "to_model"]


def to_model(raw: RawModel, limits: Limits) -> Model:
    """The model that ``raw`` describes.

    Raises ``InvalidGraphError`` for a network that CNTK could not evaluate, ``LimitExceededError`` for one of too many functions.
    """
    _check_arities(raw)
    check_cycles(raw)
    consumers = Counter(name for node in raw.nodes.values() for name in node.inputs)
    builder = Builder(raw, limits, consumers=consumers, scalars=scalar_nodes(raw), repeats_left=limits.function_inputs)
    translated = [node for node in raw.nodes.values() if _claim(builder, node)]
    for node in translated:
        if node.op == "OutputMultiplexer" and node.name not in builder.function_uids:
            builder.values[node.name] = output_uid(builder.function_uids[node.inputs[0]], 1)
    for node in translated:
        if node.name in builder.function_uids:
            inputs = tuple(builder.values[name] for name in node.inputs)
            RULES[node.op].mapper(Translation(builder, node, inputs))
    if len(builder.functions) > limits.functions:
        raise LimitExceededError("functions", limit=limits.functions, actual=len(builder.functions))
    root = add_root(builder)
    return Model(
        format="v1",
        format_version=f"version {raw.version}",
        root=root,
        functions=builder.functions,
        variables=builder.variables,
        hazards=(*builder.hazards, *unprintable_names(builder)),
    )


def _check_arities(raw: RawModel) -> None:
    for node in raw.nodes.values():
        found = len(node.inputs)
        rule = RULES.get(node.op)
        least, most = (0, 0) if rule is None else (rule.least, rule.most)
        if not least <= found <= most:
            wanted = str(least) if least == most else f"{least} to {most}" if most <= found else f"at least {least}"
            raise InvalidGraphError(f"{node.op}: expected {wanted} inputs, found {found}", node=shown(node.name))


def _claim(builder: Builder, node: RawNode) -> bool:
    """Give the node its uids, and say whether a function is to be made of it (or, of a mask, its second output is meant)."""
    if is_leaf(node):
        add_leaf(builder, node)
        return False
    if node.op == "DynamicAxis" and builder.consumers[node.name] == 0:
        return False
    if _is_mask(builder.raw, node):
        return True
    outputs = 2 if node.op == "UnpackSequence" else 1
    uid = builder.uids.function(split_name(node.name)[0], outputs)
    builder.function_uids[node.name] = uid
    builder.values[node.name] = output_uid(uid)
    return True


def _is_mask(raw: RawModel, node: RawNode) -> bool:
    """Whether the node hands on the second output of UnpackSequence, the only operator read here that has two."""
    if node.op != "OutputMultiplexer" or len(node.inputs) != 1:
        return False
    source = raw.nodes[node.inputs[0]]
    return source.op == "UnpackSequence" and not source.flag("suppressMask")
