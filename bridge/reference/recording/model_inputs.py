"""What a model takes, for whoever has to give it: read by our own reader, before CNTK has seen the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.errors import InvalidGraphError
from bridge.graph.interface import choose
from bridge.graph.model import NUMPY_TYPES, AxisKind, Model, Variable
from bridge.graph.network import dissolve
from bridge.reference.values import Wanted


@dataclass(frozen=True, slots=True)
class ModelInput:
    """An input of a model. ``shape`` is the static part, row-major; -3 and -1 are dimensions that are open in the file.

    ``sequence_axis`` is the name of its sequence axis; inputs that share it share the lengths of their sequences.
    """

    uid: str
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    batched: bool
    sequence_axis: str | None
    sparse: bool

    @property
    def public_name(self) -> str:
        """What people call it."""
        return self.name or self.uid


@dataclass(frozen=True, slots=True)
class ModelPorts:
    """The outputs to record, and the inputs that they need in CNTK's order."""

    inputs: tuple[ModelInput, ...]
    outputs: tuple[Wanted, ...]


def model_ports(model: Model, outputs: Sequence[str] | None = None) -> ModelPorts:
    """Inputs and outputs for the outputs named, or for the model's predictions: those that ``bridge convert`` converts.

    Raises ``UnknownOutputError`` for a name that the model does not have, ``InvalidGraphError`` for a network that is none.
    """
    interface = choose(dissolve(model), outputs)
    names = {function.outputs[0]: function.name for function in model.functions.values() if function.outputs}
    return ModelPorts(
        inputs=tuple(_input(model.variables[port.variable_uid]) for port in interface.inputs),
        outputs=tuple(Wanted(port.variable_uid, names.get(port.variable_uid, "")) for port in interface.outputs),
    )


def _input(variable: Variable) -> ModelInput:
    kinds = {axis.kind: axis for axis in variable.dynamic_axes}
    unknown = AxisKind.UNKNOWN_DYNAMIC in kinds
    sequence = kinds.get(AxisKind.SEQUENCE)
    if variable.shape is None or variable.data_type not in NUMPY_TYPES or unknown:
        raise InvalidGraphError("an input of which neither shape nor axes are known cannot be fed", node=variable.uid)
    return ModelInput(
        uid=variable.uid,
        name=variable.name,
        shape=variable.shape,
        dtype=NUMPY_TYPES[variable.data_type],
        batched=AxisKind.BATCH in kinds,
        sequence_axis=sequence.name if sequence is not None else None,
        sparse=variable.is_sparse,
    )
