"""What CNTK itself mends when it loads a file of an early release, so that everything behind the reader sees the current form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bridge.errors import InvalidModelError
from bridge.graph.model import DataType, Function, Tensor, Variable, VariableKind
from bridge.source.v2.dictionary import Dictionary
from bridge.source.v2.records import optional, required

_SAMPLE_COUNT_VERSION = 4  # of functions: from here on BatchNormalization has a sixth input
_INPUTS_BEFORE = 5
_ATTRIBUTE_STATE_VERSION = 3  # of composites: from here on the state of random functions is among their attributes


def add_sample_count(function: Function, version: int) -> tuple[Function, Variable | None]:
    """Give an early ``BatchNormalization`` its sixth input, the running sample count: a new scalar constant 0, as in CNTK."""
    if version >= _SAMPLE_COUNT_VERSION or function.op != "BatchNormalization" or len(function.inputs) != _INPUTS_BEFORE:
        return function, None
    zero = np.zeros(1, np.float32)
    zero.flags.writeable = False
    count = Variable(
        uid=f"{function.uid}_running_sample_count",
        kind=VariableKind.CONSTANT,
        data_type=DataType.FLOAT,
        shape=(),
        value=Tensor(DataType.FLOAT, (), zero, function.offset),
        offset=function.offset,
    )
    return replace(function, inputs=(*function.inputs, count.uid)), count


def restore_random_state(top: Dictionary, functions: Mapping[str, Function]) -> dict[str, Function]:
    """Move the seeds that early composites keep in ``state`` to the attributes of the functions they belong to."""
    result = dict(functions)
    if required(top, "version", int) >= _ATTRIBUTE_STATE_VERSION:
        return result
    state = optional(top, "state", Dictionary, Dictionary(top.offset))
    for uid in state:
        seeds = required(state, uid, Dictionary)
        function = functions.get(uid)
        if function is None:
            raise InvalidModelError(
                "the state of a function that does not exist", offset=seeds.offset, field="state", found=repr(uid[:80])
            )
        stored = {"rngSeed": required(seeds, "rng_seed", int), "rngOffset": required(seeds, "rng_offset", int)}
        result[uid] = replace(function, attributes={**stored, **function.attributes})
    return result
