"""Operands that are numbers in disguise.

A few operators take a setting as an operand, a constant scalar. What such a setting decides (the width of a result, the operators
that express it) has to be known before anything runs, so its value joins the attributes of the node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bridge.graph.model import Attributes, AttributeValue, Model, VariableKind

_SETTINGS: Final[Mapping[str, Mapping[int, str]]] = {
    "ClassificationError": {2: "topN"},
    "CosDistanceWithNegativeSamples": {2: "shift", 3: "numNegativeSamples"},
}
"""By operator: the position of each such operand, and the attribute that its value becomes."""


def constant_attributes(model: Model, op: str, inputs: Sequence[str]) -> Attributes:
    """The settings among ``inputs`` (resolved uids) as attributes.

    An operand that is no constant of one finite element is left out: whoever needs the setting reports that it is missing.
    """
    found: dict[str, AttributeValue] = {}
    for position, key in _SETTINGS.get(op, {}).items():
        leaf = model.variables.get(inputs[position]) if position < len(inputs) else None
        if leaf is None or leaf.value is None or leaf.kind not in (VariableKind.CONSTANT, VariableKind.PARAMETER):
            continue
        array = leaf.value.array()
        if array.size == 1 and abs(float(array.item())) < float(1 << 31):
            found[key] = int(array.item())
    return found
