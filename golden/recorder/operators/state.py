"""Operators whose answer is deterministic though they write to a parameter or could draw at random."""

import cntk
import numpy as np

from recorder.case import Case, case
from recorder.operators.operands import ramp


def assigned() -> Case:
    """Assign returns what it writes; nothing else reads the parameter."""
    x = cntk.input_variable(3, dynamic_axes=[], name="x")
    return case(cntk.assign(cntk.parameter(3), x * 2), {x: ramp(3)})


def inclusion_frequency() -> Case:
    """With duplicates allowed, the expected number of draws is a formula and nothing is drawn."""
    weights = cntk.input_variable(4, dynamic_axes=[], name="x")
    frequency = cntk.random_sample_inclusion_frequency(weights, 6, allow_duplicates=True, seed=1)
    return case(frequency, {weights: np.array([1, 2, 3, 4], dtype=np.float32)})


CASES = {"assign": assigned, "random_sample_inclusion_frequency": inclusion_frequency}  # type: Family
