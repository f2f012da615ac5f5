"""What a caller may choose about a conversion."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoweringOptions:
    """``plain_math``: plain ONNX operators everywhere, without CNTK's rules for log 0, division by 0 and the like.

    ``index_inputs``: one-hot inputs (by public name) that become int64 indices; ``None`` for all sparse inputs that allow it.
    ``fold``: fold batch normalisation into the convolution before it.
    ``for_training``: for a target that trains and has kernels for every type. Parameters stay parameters, dropout stays, float16
    and float64 are computed as they are, and each node's metadata says which node of CNTK it comes from.
    """

    plain_math: bool = False
    index_inputs: Collection[str] | None = ()
    fold: bool = True
    for_training: bool = False
