"""Models of the other families after a round through CNTK's own ONNX exporter and importer.

What comes back computes a single sample without dynamic axes, out of blocks that only the importer builds: MatMul, Gemm, Pads,
axes that are swapped to the front and back, batches that are packed and unpacked around a convolution.
"""

import os
import tempfile
from typing import Any

import cntk
import numpy as np
from recorder.case import Case, case

from cntk_side import (
    broadcasting,
    edge_values,
    layer_options,
    model_idioms,
    networks,
    reductions,
    sequence_layers,
    shapes,
    spatial,
)
from cntk_side.program import FREE, NothingFitsError, Program

BUILDERS = (shapes, reductions, broadcasting, networks, spatial, layer_options, model_idioms, edge_values, sequence_layers)


def first_sample(value: Any, shape: Any, dynamic: int) -> np.ndarray:
    """The first sample of a batch, or the steps of its first sequence, in the shape that the importer gives to its input."""
    sample = value if dynamic == 0 else np.asarray(value[0])
    size = int(np.prod([dim for dim in shape if dim != FREE], dtype=int))
    free = [dim for dim in shape if dim == FREE]
    if len(free) > 1 or (not free and size != sample.size) or (free and sample.size % size):
        raise NothingFitsError
    return np.array(sample.reshape([-1 if dim == FREE else dim for dim in shape]))


def imported(made: Case) -> Any:
    """The model that CNTK reads back from what it exports."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        made.model.save(path, format=cntk.ModelFormat.ONNX)
        return cntk.Function.load(path, format=cntk.ModelFormat.ONNX)


def has_ground_truth(model: Any) -> bool:
    """Not where CNTK's importer leaves a normalisation with fewer parameters than channels: CNTK reads stray memory for the rest.

    Neither where a ceiling has become padding wider than the window along a free axis.
    """
    for found in cntk.logging.graph.depth_first_search(model.root_function, lambda node: isinstance(node, cntk.Function), -1):
        shape = found.inputs[0].shape if found.is_primitive and found.inputs else ()
        if found.op_name == "BatchNormalization" and int(np.prod(found.inputs[1].shape)) < shape[0]:
            return False
        if found.op_name == "Pooling" and FREE in shape:
            padding = found.attributes["upperPad"] + found.attributes["lowerPad"]
            if max(padding) >= min(found.attributes["poolingWindowShape"]):
                return False
    return True


def build(p: Program) -> Case:
    """A model of another family, imported anew; of one sample."""
    p.samples = 1
    p.dtype = np.float32
    made = p.one(BUILDERS).build(p)
    if any(variable.dtype != np.float32 for variable in made.model.arguments):  # CNTK reads constants of other types wrong.
        raise NothingFitsError
    model = imported(made)
    if not has_ground_truth(model):
        raise NothingFitsError
    given = {}
    for variable, value in made.inputs.items():
        given[variable.name or variable.uid] = (value, len(variable.dynamic_axes))
    fed = {}
    for argument in model.arguments:
        value, dynamic = given[argument.name]
        if argument.dynamic_axes:
            raise NothingFitsError
        fed[argument] = first_sample(value, argument.shape, dynamic)
    return case(model, fed)
