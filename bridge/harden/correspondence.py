"""Which element of which initialiser each element of a module's state dict is, so that trained weights can be written back.

The PyTorch target lays weights out as ``torch.nn`` wants them: transposed, put together, gates in another order. Rather than
following every rule of it, the same graph is translated again with numbers in the place of its weights, and the numbers are
read off where they have come to lie. What is no plain copy of an initialiser's element is found out that way too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidOptionError
from bridge.light_import import import_onnx_ir

if TYPE_CHECKING:
    import onnx_ir as ir

    from bridge.targets.pytorch.translation import Names

Array = npt.NDArray[Any]

_BASE: Final = 1 << 20
"""Numbers below it are exact in float32, with room; an element's place is written in two digits to this base."""
TRAINED: Final = (np.dtype(np.float32), np.dtype(np.float64))
"""The element types of weights that can be trained."""
_NOWHERE: Final = -1
_RECURRENT: Final = frozenset({"LSTM", "GRU", "RNN"})


@dataclass(frozen=True, slots=True)
class Place:
    """For each element of a state tensor the index of its ``initializer`` among the names, and of its ``element`` there, flat.

    Both are -1 for an element that the translation made, such as a bias of zeros that the graph does not have.
    """

    initializer: npt.NDArray[np.int64]
    element: npt.NDArray[np.int64]

    @property
    def made(self) -> bool:
        """Whether every element was made by the translation: nothing of it can be written back."""
        return bool((self.initializer == _NOWHERE).all())


@dataclass(frozen=True, slots=True)
class Correspondence:
    """``initializers`` are the names of the graph's weights, ``places`` where each state tensor comes from."""

    initializers: tuple[str, ...]
    places: Mapping[str, Place]

    def weights(self, state: Mapping[str, Array], graph: ir.Graph) -> dict[str, Array]:
        """The initialisers of ``graph`` with the values that ``state`` has, by name; those that it does not touch are left out.

        Raises ``InvalidOptionError`` where two tensors that share an initialiser were trained apart, or something was trained
        that the graph does not have.
        """
        changed: dict[str, Array] = {}
        written: dict[str, npt.NDArray[np.bool_]] = {}
        for name, place in self.places.items():
            values = np.asarray(state[name]).reshape(-1)
            known = place.initializer != _NOWHERE
            for index in np.unique(place.initializer[known]):
                own = place.initializer == index
                target = self.initializers[int(index)]
                if target not in changed:
                    changed[target] = _array(graph, target).reshape(-1).copy()
                    written[target] = np.zeros(changed[target].size, np.bool_)
                at, new = place.element[own], values[own]
                before = written[target][at]
                if not np.array_equal(changed[target][at][before], new[before], equal_nan=True):
                    raise InvalidOptionError(f"{name} shares {target} with another tensor, and was trained apart from it")
                changed[target][at] = new
                written[target][at] = True
        return {name: array.reshape(_array(graph, name).shape) for name, array in changed.items()}


def correspondence(model: ir.Model, names: Names) -> Correspondence:
    """How the module made of ``model`` holds its weights. ``model`` is left as it is.

    Raises ``InvalidOptionError`` where a tensor of the module is no plain copy of the graph's weights.
    """
    weights = _weights(model.graph)
    sizes = {name: _array(model.graph, name).size for name in weights}
    # Three numbers tell an element: its initialiser and its place there in two digits, all counted from 1. The higher digit is
    # negative, so that no element has one number in all three, which is how those that come from no weight are told.
    owners = _probed(model, names, {name: np.full(sizes[name], index + 1) for index, name in enumerate(weights)})
    low = _probed(model, names, {name: np.arange(sizes[name]) % _BASE + 1 for name in weights})
    high = _probed(model, names, {name: -(np.arange(sizes[name]) // _BASE + 1) for name in weights})
    if not owners.keys() == low.keys() == high.keys():
        raise InvalidOptionError("the module depends on the values of its weights, which cannot be written back into its graph")
    numbers = np.asarray([sizes[name] for name in weights])
    return Correspondence(tuple(weights), {name: _place(name, owners[name], low[name], high[name], numbers) for name in owners})


def _place(name: str, owner: Array, low: Array, high: Array, sizes: Array) -> Place:
    """Where the elements of one tensor come from, by the numbers that they had in the three translations."""
    fixed = (owner == low) & (owner == high)
    parts = np.stack([owner, low, -high])[:, ~fixed]
    whole = np.isfinite(parts).all() and (parts == np.rint(parts)).all() and (parts >= 1).all()
    initializer = np.full(owner.shape, _NOWHERE, np.int64)
    element = initializer.copy()
    if whole:
        own, digit, carry = parts.astype(np.int64) - 1
        initializer[~fixed], element[~fixed] = own, carry * _BASE + digit
        whole = (own < len(sizes)).all() and (element[~fixed] < sizes[np.minimum(own, len(sizes) - 1)]).all()
    if not whole:
        raise InvalidOptionError(f"{name} is computed from the model's weights, and cannot be written back into its graph")
    return Place(initializer, element)


def _probed(model: ir.Model, names: Names, numbers: Mapping[str, Array]) -> dict[str, Array]:
    """The state dict, but what holds no numbers of ``TRAINED``, of the module made of ``model`` with ``numbers`` for weights."""
    from bridge.targets.pytorch.building import build
    from bridge.targets.pytorch.folder import tensors_of

    probe = with_weights(
        model,
        {
            name: values.astype(_array(model.graph, name).dtype).reshape(_array(model.graph, name).shape)
            for name, values in numbers.items()
        },
    )
    return {
        name: np.asarray(array).reshape(-1)
        for name, array in tensors_of(build(probe.graph, names).root).items()
        if array.dtype in TRAINED
    }


def _like(weights: Array, numbers: Array) -> Array:
    """``numbers`` in the type and shape of ``weights``."""
    made: Array = numbers.astype(weights.dtype).reshape(weights.shape)
    return made


def with_weights(model: ir.Model, weights: Mapping[str, Array]) -> ir.Model:
    """A copy of ``model``, metadata included, with other values for the initialisers named; arrays are shared, not copied."""
    import_onnx_ir()
    import onnx_ir as ir

    copy = model.clone()
    for name, array in weights.items():
        value = copy.graph.initializers[name]
        value.const_value = ir.Tensor(np.ascontiguousarray(array), name=name)
    return copy


def _weights(graph: ir.Graph) -> list[str]:
    """The parameters: those that CNTK calls so, running statistics, and what recurrent operators put together."""
    from bridge.lower.builder import PARAMETER_KEY
    from bridge.targets.pytorch.parameter_uses import all_nodes

    owned = {value.name for node in all_nodes(graph) for value in _own_weights(node)}
    return [
        name
        for name, value in graph.initializers.items()
        if (PARAMETER_KEY in value.metadata_props or name in owned)
        and not value.is_graph_input()
        and _array(graph, name).dtype in TRAINED
    ]


def _own_weights(node: ir.Node) -> list[ir.Value]:
    """What an operator takes for its own weights, whatever it is called: not the lengths of sequences, which stand among them."""
    if node.op_type == "BatchNormalization":
        return [value for value in node.inputs[1:5] if value is not None]
    if node.op_type in _RECURRENT:
        return [value for value in (*node.inputs[1:4], *node.inputs[5:]) if value is not None]
    return []


def _array(graph: ir.Graph, name: str) -> Array:
    value = graph.initializers[name].const_value
    assert value is not None
    return value.numpy()
