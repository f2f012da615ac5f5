"""How far a single layer may lie from the reference when both compute from the same values.

These are the widths that ``torch.testing`` takes for one operator: far narrower than those of whole models, in which errors add
up. A value that onnxruntime computes in a narrower type, for want of a kernel, is measured by that type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from verify.equivalence.tolerances import Tolerance

LAYER_TOLERANCES: Final[Mapping[str, Tolerance]] = {
    "float64": Tolerance(1e-7, 1e-7),
    "float32": Tolerance(1.3e-6, 1e-5),
    "float16": Tolerance(1e-3, 1e-5),
}
_EXACT: Final = Tolerance(0.0, 0.0)


def layer_tolerance(dtype: np.dtype[np.generic], *, in_float32: bool) -> Tolerance:
    """The tolerance of a layer whose result is of ``dtype``; ``in_float32`` says that it is computed in float32 between casts."""
    name = "float32" if in_float32 and dtype.name == "float64" else dtype.name
    return LAYER_TOLERANCES.get(name, _EXACT)
