"""Which values are finite on padded steps, whatever the caller's padding holds.

Recurrent operators write zeros there. What bounded functions and sums and products with finite constants make of zeros stays
finite, so that the mask at the output may multiply instead of select.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.graph.network import Node
from bridge.lower.value import Lowered

if TYPE_CHECKING:
    from bridge.lower.lowering import Lowering

_KEEPING: Final = frozenset(
    {
        "Plus",
        "Minus",
        "ElementTimes",
        "Times",
        "Tanh",
        "Sigmoid",
        "StableSigmoid",
        "BatchNormalization",
        "ReLU",
        "Negate",
        "Abs",
        "Splice",
        "Slice",
        "Reshape",
    }
)
"""Operators whose result is finite where their operands are. (An overflow in padding is one on real steps too.)"""

_MOST_ELEMENTS: Final = 1 << 20
"""Greater constants are not looked through."""


def keep_finite(ctx: Lowering, node: Node, made: Lowered) -> Lowered:
    """Mark a result whose padded steps are finite because those of its operands are."""
    if made.extent is None or made.clean or made.finite or node.op not in _KEEPING:
        return made
    return replace(made, finite=True) if all(_is_finite(ctx, ctx.value(uid)) for uid in node.inputs) else made


def _is_finite(ctx: Lowering, operand: Lowered) -> bool:
    if operand.extent is not None:
        return operand.clean or operand.finite
    known = ctx.builder.known(operand.value)
    return known is not None and known.size <= _MOST_ELEMENTS and bool(np.isfinite(known).all())
