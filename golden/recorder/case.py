"""What a case is before it is recorded: a CNTK model and the values it is fed."""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Union

import cntk
import numpy as np

Batch = Union[np.ndarray, List[np.ndarray]]
"""`[N, *shape]` (or `[*shape]` without dynamic axes), or one `[T, *shape]` per sequence."""

StandIn = Callable[[cntk.Function], cntk.Function]
"""Turns a loaded model into one of the same outputs that CNTK can evaluate without a GPU."""

Case = NamedTuple(
    "Case",
    [
        ("model", cntk.Function),
        ("inputs", Dict[cntk.Variable, Batch]),
        ("outputs", List[cntk.Variable]),
        ("note", Optional[str]),
        ("legacy_format", bool),
        ("stand_in", Optional[StandIn]),
    ],
)


def case(
    model: cntk.Function,
    inputs: Dict[cntk.Variable, Batch],
    outputs: Optional[Sequence[cntk.Function]] = None,
    note: Optional[str] = None,
) -> Case:
    """Describe a case.

    `model` is what is saved; `inputs` gives a value for every argument that the recorded outputs need; `outputs` are
    the heads to record (all of them when None, a part where the model is saved together with its losses). The v1 format
    is asked for with `_replace(legacy_format=True)`, and what computes in the place of a model that the CPU cannot run, with
    `_replace(stand_in=...)`.
    """
    heads = list(model.outputs) if outputs is None else [head.output for head in outputs]
    return Case(model, inputs, heads, note, legacy_format=False, stand_in=None)
