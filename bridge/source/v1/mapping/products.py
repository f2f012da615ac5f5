"""Products: Times and its relatives, of which only Times and TransposeTimes are operators of CNTK 2."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.graph.model import INFERRED, Attributes, NDShape
from bridge.source.v1.mapping.builder import Translation
from bridge.source.v1.mapping.rules import Rule, rule, same, unsupported

_ALL_ELEMENTS: Attributes = {"newShape": NDShape((INFERRED,))}


def _times(at: Translation) -> None:
    """Left operand = weight, as in CNTK 2. Old networks also write a factor of rank 0 so, which is ElementTimes."""
    if at.is_scalar(0) or at.is_scalar(1):
        at.finish("ElementTimes", at.inputs)
        return
    attributes: Attributes = {
        "outputRank": at.node.integer("outputRank"),
        "inferInputRankToMap": at.node.integer("inferInputRankToMap"),
    }
    at.finish("Times", at.inputs, attributes)


def _transpose_times(at: Translation) -> None:
    at.finish("TransposeTimes", at.inputs, {"outputRank": at.node.integer("outputRank")})


def _lookup_table(at: Translation) -> None:
    """Every one-hot group of the second operand times the embedding, results stacked.

    The groups become columns, so that one Times serves all of them, whatever their number. The width of a group is that of the
    embedding, which must therefore be a parameter.
    """
    table = at.leaf(0)
    if table is None or table.shape is None or len(table.shape) != 2:
        at.refuse()
        return
    vocabulary = table.shape[0]  # Row-major: (vocabulary, width).
    words = at.step("words", "Reshape", (at.inputs[1],), {"newShape": NDShape((vocabulary, INFERRED))})
    found = at.step("embeddings", "Times", (at.inputs[0], words), {"outputRank": 1, "inferInputRankToMap": -1})
    at.finish("Reshape", (found,), _ALL_ELEMENTS)


def _khatri_rao(at: Translation) -> None:
    """The products of every element of the left column with every one of the right, the left one's index fastest."""
    left = at.step("left", "Reshape", (at.inputs[0],), {"newShape": NDShape((INFERRED, 1))})
    right = at.step("right", "Reshape", (at.inputs[1],), {"newShape": NDShape((1, INFERRED))})
    product = at.step("product", "ElementTimes", (left, right))
    at.finish("Reshape", (product,), _ALL_ELEMENTS)


PRODUCT_RULES: Mapping[str, Rule] = {
    "Times": rule(2, _times),
    "TransposeTimes": rule(2, _transpose_times),
    "DiagTimes": same("ElementTimes", 2),
    "LookupTable": rule(2, _lookup_table),
    "KhatriRaoProduct": rule(2, _khatri_rao),
    "QuantizedTimes": unsupported(),  # Rounds its operands to few bits.
}
