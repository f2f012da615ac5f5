"""Weights that stand in files beside a model, handed to the engine as the memory that holds them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from bridge.runtime.admission.element_types import ELEMENT_TYPES
from bridge.runtime.admission.model import Tensor

if TYPE_CHECKING:
    import onnxruntime


def hand_over(
    options: onnxruntime.SessionOptions, initializers: Iterable[Tensor], external: Mapping[str, memoryview]
) -> list[onnxruntime.OrtValue]:
    """Give the engine the weights of ``initializers`` that stand in the files ``external``.

    It opens nothing, and copies what it rearranges. By tensors, since whole files would be held to 2 GiB per tensor. What is
    returned has to live as long as the session.
    """
    from onnxruntime import OrtValue

    names: list[str] = []
    values: list[OrtValue] = []
    for tensor in initializers:
        if tensor.external:
            stated = dict(tensor.external)
            data = external[stated["location"]]
            array = np.frombuffer(data, ELEMENT_TYPES[tensor.data_type], math.prod(tensor.dims), int(stated["offset"]))
            aligned = array if array.flags.aligned else array.copy()
            names.append(tensor.name)
            values.append(OrtValue.ortvalue_from_numpy(aligned.reshape(tensor.dims)))
    if names:
        options.add_external_initializers(names, values)
    return values
