"""Gives the parameters of an untrained model values that exercise every term of its equations."""

import cntk
import numpy as np


def fill_parameters(model: cntk.Function, seed: int, gain: float = 1.0) -> cntk.Function:
    """Overwrite every parameter of `model` with seeded values and return `model`.

    Matrices are scaled by their fan-in; vectors become non-zero, because a bias or a scale left at its initial 0 or 1 would
    hide a converter that forgets it. Drawn by numpy: CNTK's own initialisers are not stable across builds.
    """
    random = np.random.RandomState(seed)
    for parameter in sorted(model.parameters, key=lambda p: int("".join(c for c in p.uid if c.isdigit()))):
        shape = parameter.shape
        if parameter.name in ("scale", "initial_scale"):
            value = random.uniform(0.7, 1.3, shape)
        elif parameter.name == "alpha":
            value = 0.55 + 0.15 * random.standard_normal(shape)  # a stabiliser: near 0.54 it multiplies by 1
        elif len(shape) <= 1:
            value = 0.3 * random.standard_normal(shape)
        elif parameter.name == "E":
            value = random.standard_normal(shape)  # one row per one-hot input: the fan-in that matters is 1
        else:
            fan_in = np.prod(shape[1:]) if len(shape) > 2 else shape[0]
            value = gain * random.standard_normal(shape) / np.sqrt(fan_in)
        parameter.value = np.asarray(value, dtype=parameter.dtype)
    return model


def fill_running_statistics(model: cntk.Function, seed: int) -> cntk.Function:
    """Give every batch normalisation of `model` running statistics far enough from 0 and 1 to be noticed."""
    random = np.random.RandomState(seed)
    for constant in model.constants:
        if constant.name == "aggregate_mean":
            constant.value = np.asarray(0.4 * random.standard_normal(constant.shape), dtype=constant.dtype)
        elif constant.name == "aggregate_variance":
            constant.value = np.asarray(random.uniform(0.5, 2.0, constant.shape), dtype=constant.dtype)
        elif constant.name == "aggregate_count":
            constant.value = np.asarray(1000, dtype=constant.dtype)
    return model
