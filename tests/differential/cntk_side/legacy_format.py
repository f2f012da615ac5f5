"""Models of the other families, saved in the v1 format, which knows neither blocks nor names of axes."""

import numpy as np
from recorder.case import Case

from cntk_side import (
    broadcasting,
    criteria,
    dynamic_axes,
    networks,
    recurrences,
    reductions,
    sequence_layers,
    shapes,
    sparse_inputs,
)
from cntk_side.program import Program

BUILDERS = (dynamic_axes, networks, recurrences, reductions, shapes, broadcasting, criteria, sequence_layers, sparse_inputs)


def build(p: Program) -> Case:
    """A model of any family that CNTK can write in its older format."""
    p.dtype = np.float32
    p.legacy_format = True
    return p.one(BUILDERS).build(p)._replace(legacy_format=True)
