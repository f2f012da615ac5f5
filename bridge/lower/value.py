"""A CNTK value in the converted graph: its tensor, its type, and the true lengths of its sequences."""

from __future__ import annotations

from dataclasses import dataclass, field

import onnx_ir as ir

from bridge.graph.types import TensorType


@dataclass(eq=False, slots=True)
class Extent:
    """How long the sequences of a batch are.

    ``lengths``: int64 ``[N]``, true lengths. ``steps``: int64 ``[1]``, the padded length ``T``. ``mask``: bool ``[N, T]``, true
    on real steps; made when first asked for, by ``Lowering.mask``.
    """

    lengths: ir.Value
    steps: ir.Value
    mask: ir.Value | None = None
    factors: dict[ir.DataType, ir.Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lowered:
    """``value`` has the shape ``[dynamic axes..., *type.shape]``.

    ``extent`` belongs to values with a sequence axis. ``clean`` says that padded steps are known to hold zeros already,
    ``finite`` that they hold finite numbers whatever the padding of the inputs holds.
    """

    value: ir.Value
    type: TensorType
    extent: Extent | None = None
    clean: bool = False
    finite: bool = False
