"""Models of the other families, saved in the v1 format, which knows neither blocks nor names of axes."""

import numpy as np
from recorder.case import Case

from cntk_side import (
    broadcasting,
    criteria,
    dynamic_axes,
    layer_options,
    model_idioms,
    networks,
    recurrences,
    reductions,
    sequence_layers,
    shapes,
    sparse_inputs,
    step_idioms,
)
from cntk_side.program import Program

BUILDERS = (
    dynamic_axes,
    networks,
    recurrences,
    reductions,
    shapes,
    broadcasting,
    criteria,
    sequence_layers,
    sparse_inputs,
    layer_options,
    model_idioms,
    step_idioms,
)


def build(p: Program) -> Case:
    """A model of any family that CNTK can write in its older format."""
    p.dtype = np.float32
    p.legacy_format = True
    return p.one(BUILDERS).build(p)._replace(legacy_format=True)
