"""Batch, layer, response and mean-variance normalisation."""

from typing import Any

import cntk
import numpy as np
from cntk.layers import LayerNormalization, Stabilizer

from recorder.case import Case, case
from recorder.operators.operands import on_batch, on_sequences, ragged, scattered
from recorder.parameters import fill_parameters


def normalised(x: cntk.Variable, shape: Any, *, spatial: bool) -> cntk.Function:
    """Batch normalisation with an epsilon and running statistics that matter."""
    random = np.random.RandomState(90)
    scale, bias, mean = (cntk.parameter(shape, init=random.standard_normal(shape).astype(np.float32)) for _ in range(3))
    variance = cntk.constant(random.uniform(0.2, 3.0, shape).astype(np.float32))
    return cntk.batch_normalization(
        x, scale, bias, cntk.constant(mean.value), variance, spatial, epsilon=0.01, running_count=cntk.constant(0.0)
    )


def layer_normalised() -> Case:
    """The layers library's form: over all static axes, epsilon outside the root."""
    x = cntk.input_variable((3, 4), name="x")
    return case(fill_parameters(LayerNormalization()(x), seed=91), {x: scattered(92, 2, 3, 4)})


def stabilised() -> Case:
    """The layers library's stabiliser, on a sequence."""
    x = cntk.sequence.input_variable(3, name="x")
    return case(fill_parameters(Stabilizer()(x), seed=93), {x: ragged(94, [2, 1, 3], 3)})


IMAGE = scattered(95, 2, 5, 4, 3)
OPTIONS = [(across, scaling) for across in (False, True) for scaling in (False, True)]

CASES = {
    "batch_normalization": on_batch(lambda x: normalised(x, (5,), spatial=True), IMAGE),
    "batch_normalization_per_element": on_batch(lambda x: normalised(x, (4, 3), spatial=False), scattered(96, 2, 4, 3)),
    "batch_normalization_of_sequence": on_sequences(lambda x: normalised(x, (3,), spatial=True), ragged(97, [4, 1], 3)),
    "layer_normalization": layer_normalised,
    "local_response_normalization": on_batch(lambda x: cntk.local_response_normalization(x, 2, 1.5, 0.3, 0.75), IMAGE),
    "mean_variance_normalization": on_batch(
        lambda x: [cntk.mean_variance_normalization(x, 1e-3, across, scaling) for across, scaling in OPTIONS], IMAGE
    ),
    "per_dim_mean_variance_normalize": on_batch(
        lambda x: cntk.per_dim_mean_variance_normalize(x, np.arange(3, dtype=np.float32), np.full(3, 0.5, dtype=np.float32)),
        scattered(98, 2, 3),
    ),
    "image_scaler": on_batch(lambda x: cntk.image_scaler(x, 0.5, [1.0, -2.0, 3.0]), scattered(99, 2, 3, 2, 2)),
    "stabilizer": stabilised,
}  # type: Family
