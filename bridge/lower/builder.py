"""Writes ONNX nodes, one call each, into a graph under construction.

Nodes whose inputs are all constants are computed here and now when they are cheap, so that what CNTK derives from parameters on
every evaluation (stabilisers, shape arithmetic, scaled weights) costs the converted model nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx_ir.convenience import convert_attribute

from bridge.lower.folding import fold

Array = npt.NDArray[np.generic]
Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str] | ir.Graph

OPSET: Final = 17
"""The ONNX operator set we write: see docs/adr/0002-opset-17.md."""

ORIGIN_KEY: Final = "cntk.node"
"""The metadata of a node that holds the uid of the CNTK node for which it was made; there in lowerings for training alone."""
PARAMETER_KEY: Final = "cntk.parameter"
"""The metadata of an initializer that holds the uid of the CNTK parameter that it is; likewise."""
RECURRENT_PARAMETERS_KEY: Final = "cntk.parameters"
"""The metadata of a packed recurrent layer that holds the uids of the parameters in its loop, direction by direction."""
TRAINABLE_KEY: Final = "cntk.trainable"
"""The metadata of an initializer that says whether CNTK would train it: ``true`` or ``false``; likewise."""


_MOST_COMPUTED_BYTES: Final = 1 << 28
"""Beyond this nothing more is computed at conversion: a small file may ask for any number of large results."""


class Constants:
    """The initializers of a model, shared by the main graph and all loop bodies; equal small ones are kept once."""

    _SHARED_BYTES: Final = 4096

    def __init__(self, names: Names) -> None:
        self.values: dict[str, ir.Value] = {}
        self.arrays: dict[ir.Value, Array] = {}
        self.computed_bytes = 0  # of arrays that the model's file does not hold
        self._small: dict[tuple[str, tuple[int, ...], bytes], ir.Value] = {}
        self._names = names
        self.traces = False  # whether nodes say where they come from
        self.traced: set[ir.Value] = set()  # parameters, and what is computed from them: known, and yet nodes

    def parameter(self, array: Array, name: str, uid: str, *, trainable: bool) -> ir.Value:
        """The value of a parameter of CNTK: never shared with another one that happens to be equal, and marked as what it is."""
        value = self._new(array, name)
        value.metadata_props[PARAMETER_KEY] = uid
        value.metadata_props[TRAINABLE_KEY] = str(trainable).lower()
        self.traced.add(value)
        return value

    def add(self, array: Array, name: str) -> ir.Value:
        """The value of an initializer that holds ``array`` (kept as it is, never copied)."""
        key = None
        if array.nbytes <= self._SHARED_BYTES:
            key = (array.dtype.str, array.shape, array.tobytes())
            if key in self._small:
                return self._small[key]
        value = self._new(array, name)
        if key is not None:
            self._small[key] = value
        return value

    def _new(self, array: Array, name: str) -> ir.Value:
        value = ir.Value(name=self._names.unique(name))
        assert value.name is not None
        value.const_value = ir.Tensor(array, name=value.name)
        value.shape = ir.Shape(array.shape)
        value.type = ir.TensorType(value.const_value.dtype)
        self.values[value.name] = value
        self.arrays[value] = array
        return value


class Names:
    """Hands out names that occur once in a model."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def reserve(self, name: str) -> None:
        """Take a name out of circulation: inputs and outputs are called what CNTK calls them."""
        self._taken.add(name)

    def unique(self, wanted: str) -> str:
        """``wanted``, or ``wanted`` with a number behind it."""
        name = wanted
        while name in self._taken:
            self._next[wanted] = self._next.get(wanted, 0) + 1
            name = f"{wanted}_{self._next[wanted]}"
        self._taken.add(name)
        return name


class Builder:
    """Appends nodes to one graph: the main graph, or the body of a loop."""

    def __init__(self, constants: Constants, names: Names) -> None:
        self.nodes: list[ir.Node] = []
        self.constants = constants
        self.names = names
        self.scope = "model"  # the CNTK node being lowered: names what is made for it
        self.origin = ""  # its uid

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike | None = None, name: str | None = None) -> ir.Value:
        """An initializer holding ``value``."""
        return self.constants.add(np.asarray(value, dtype=dtype), name or f"{self.scope}/constant")

    def integers(self, *values: int) -> ir.Value:
        """An int64 vector."""
        return self.constant(values, np.int64)

    def known(self, value: ir.Value) -> Array | None:
        """The array behind ``value`` when it is a constant."""
        return self.constants.arrays.get(value)

    def op(self, operator: str, *inputs: ir.Value | None, **attributes: Attribute) -> ir.Value:
        """Append a node with one output."""
        return self.ops(operator, 1, *inputs, **attributes)[0]

    def ops(self, operator: str, outputs: int, *inputs: ir.Value | None, **attributes: Attribute) -> tuple[ir.Value, ...]:
        """Append a node with several outputs."""
        if outputs == 1:
            folded = self._fold(operator, inputs, attributes)
            if folded is not None and self.constants.traced.isdisjoint(value for value in inputs if value is not None):
                return (self.constant(folded),)
            if folded is not None:
                made = self._append(operator, 1, inputs, attributes)
                self.constants.arrays[made[0]] = folded
                self.constants.traced.update(made)
                return made
        return self._append(operator, outputs, inputs, attributes)

    def unfolded(self, operator: str, *inputs: ir.Value | None, **attributes: Attribute) -> ir.Value:
        """Append a node whatever its inputs: outputs of graphs must be made by nodes."""
        return self._append(operator, 1, inputs, attributes)[0]

    def like(self, node: ir.Node, *inputs: ir.Value | None) -> ir.Value:
        """Append a node of the same operator and attributes as ``node`` over other inputs."""
        return self._insert(node.op_type, 1, inputs, list(node.attributes.values()))[0]

    def _append(
        self, operator: str, outputs: int, inputs: Sequence[ir.Value | None], attributes: dict[str, Attribute]
    ) -> tuple[ir.Value, ...]:
        return self._insert(operator, outputs, inputs, [convert_attribute(key, value) for key, value in attributes.items()])

    def _insert(
        self, operator: str, outputs: int, inputs: Sequence[ir.Value | None], attributes: Sequence[ir.Attr]
    ) -> tuple[ir.Value, ...]:
        name = self.names.unique(f"{self.scope}/{operator}")
        made = [ir.Value(name=name if k == 0 else self.names.unique(f"{name}:{k}")) for k in range(outputs)]
        node = ir.Node("", operator, inputs, attributes=attributes, outputs=made, name=name)
        if self.constants.traces:
            node.metadata_props[ORIGIN_KEY] = self.origin
        self.nodes.append(node)
        return tuple(made)

    def _fold(self, operator: str, inputs: Sequence[ir.Value | None], attributes: dict[str, Attribute]) -> Array | None:
        arrays: list[Array] = []
        for value in inputs:
            array = None if value is None else self.constants.arrays.get(value)
            if array is None:
                return None
            arrays.append(array)
        if not arrays or self.constants.computed_bytes > _MOST_COMPUTED_BYTES:
            return None
        result = fold(operator, arrays, attributes)
        # A view holds no bytes of its own; one that repeats them does once it is written.
        if result is not None and (result.base is None or operator == "Expand"):
            self.constants.computed_bytes += result.nbytes
        return result
