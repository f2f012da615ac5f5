"""LSTM, GRU and RNN: PyTorch's own layers where they compute the same, small modules with a loop otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx_ir as ir

from bridge.lower.builder import RECURRENT_PARAMETERS_KEY, TRAINABLE_KEY
from bridge.targets.pytorch.expression import Expr, Ref
from bridge.targets.pytorch.members import MODULE, Array, Member, Tensor, torch_dtype
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import ConstantValue, Directions, Value

Arg = Ref | Expr | Member

_ORDER: Final = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""PyTorch's gates as positions among ONNX's."""
_GATES: Final = {"LSTM": 4, "GRU": 3, "RNN": 1}
_FUNCTIONS: Final = {
    "Sigmoid": "torch.sigmoid",
    "Tanh": "torch.tanh",
    "Relu": "F.relu",
    "Softsign": "F.softsign",
    "Softplus": "F.softplus",
    "Elu": "F.elu",
    "HardSigmoid": "F.hardsigmoid",
    "Identity": "nn.Identity()",
}
_OWN: Final = {"LSTM": "LSTMCells", "GRU": "GRUCells", "RNN": "RNNCells"}


@dataclass(frozen=True, slots=True)
class _Layer:
    """One direction of a layer: ``weights [G*H, I]``, ``recurrent [G*H, H]``, ``biases [2*G*H]``, ``peepholes [3*H]``."""

    operator: str
    hidden: int
    activations: tuple[str, ...]
    after_reset: bool
    weights: Array
    recurrent: Array
    biases: Array
    peepholes: Array | None
    parameters: str = ""  # uids of CNTK's parameters
    trainable: bool = True

    @property
    def is_standard(self) -> bool:
        """Whether PyTorch's own layer computes this."""
        if self.operator == "LSTM":
            return self.activations == ("Sigmoid", "Tanh", "Tanh") and self.peepholes is None
        if self.operator == "GRU":
            return self.activations == ("Sigmoid", "Tanh") and self.after_reset
        return self.activations in (("Tanh",), ("Relu",))


@translates("LSTM", "GRU", "RNN")
def recurrent(t: Translation, node: ir.Node) -> Value:
    """The outputs of all steps, by direction; zero behind the end of a sequence."""
    source, dtype = _batch_first(t, node)
    direction = node.attributes["direction"].as_string() if "direction" in node.attributes else "forward"
    reversals = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[direction]
    mask = t.bind(t.mask_of(t.tensor(node.inputs[4]).expr, source))
    t.shared.snippets.add("run_layer")
    outputs = []
    for k, reverse in enumerate(reversals):
        layer = _member(t, _layer(t, node, k, len(reversals)), dtype, reverse=reverse and len(reversals) > 1)
        state = _state(t, node, k, len(reversals))
        backwards = ", reverse=True" if reverse else ""
        args: tuple[Arg, ...] = (layer, source, mask, *(() if state is None else (state,)))
        initial = "" if state is None else ", state={3}"
        outputs.append(t.bind(Expr(f"run_layer({{0}}, {{1}}, {{2}}{initial}{backwards})", args)))
    return Directions(tuple(outputs), "TDNH", dtype)


def _batch_first(t: Translation, node: ir.Node) -> tuple[Arg, np.dtype[Any]]:
    """The input as ``[N, T, I]``: what the lowering has turned for ONNX is taken as it was before."""
    value = node.inputs[0]
    found = t.value(value)
    if isinstance(found, Directions):
        batch_first = found.layout.replace("TN", "NT") if found.layout.startswith("TN") else found.layout
        made = t.materialised(Directions(found.tensors, batch_first if batch_first != "NTH" else "NTH", found.dtype))
        return made.expr, made.dtype
    producer = None if value is None else value.producer()
    if producer is not None and producer.op_type == "Transpose" and list(producer.attributes["perm"].as_ints()) == [1, 0, 2]:
        before = t.tensor(producer.inputs[0])
        return before.expr, before.dtype
    turned = t.tensor(value)
    return Expr("{0:8}.transpose(0, 1)", (turned.expr,)), turned.dtype


def _layer(t: Translation, node: ir.Node, direction: int, directions: int) -> _Layer:
    arrays = [_array(t, value) for value in (*node.inputs[1:4], node.inputs[7] if len(node.inputs) > 7 else None)]
    weights, recurrent_weights, biases, peepholes = (None if array is None else array[direction] for array in arrays)
    assert weights is not None
    assert recurrent_weights is not None
    hidden = recurrent_weights.shape[1]
    named = node.attributes["activations"].as_strings()
    per_direction = len(named) // directions
    return _Layer(
        node.op_type,
        hidden,
        tuple(named[direction * per_direction : (direction + 1) * per_direction]),
        "linear_before_reset" in node.attributes and bool(node.attributes["linear_before_reset"].as_int()),
        weights,
        recurrent_weights,
        np.zeros(2 * weights.shape[0], weights.dtype) if biases is None else biases,
        peepholes,
        *_provenance(node, direction),
    )


def _provenance(node: ir.Node, direction: int) -> tuple[str, bool]:
    """The parameters that one direction's loop reads, and whether they are trained."""
    parameters = node.metadata_props.get(RECURRENT_PARAMETERS_KEY, "").split(";")
    trainable = node.metadata_props.get(TRAINABLE_KEY, "").split(";")
    if direction >= len(parameters):
        return "", True
    return parameters[direction], trainable[direction] != "false"


def _array(t: Translation, value: ir.Value | None) -> Array | None:
    if value is None:
        return None
    found = t.value(value)
    assert isinstance(found, ConstantValue), "a recurrent layer with computed weights"
    return found.array


def _member(t: Translation, layer: _Layer, dtype: np.dtype[Any], *, reverse: bool) -> Member:
    gates, hidden = _GATES[layer.operator], layer.hidden
    arguments: tuple[tuple[str, object], ...] = (("input_size", int(layer.weights.shape[1])), ("hidden_size", hidden))
    order = _ORDER[layer.operator] if layer.is_standard else tuple(range(gates))

    def ordered(matrix: Array) -> Array:
        blocks = matrix.reshape(gates, hidden, *matrix.shape[1:])
        return np.concatenate([blocks[gate] for gate in order]).astype(dtype, copy=False)

    half = gates * hidden
    suffix = "_l0" if layer.is_standard else ""
    tensors = {
        f"weight_ih{suffix}": Tensor(ordered(layer.weights), layer.trainable),
        f"weight_hh{suffix}": Tensor(ordered(layer.recurrent), layer.trainable),
        f"bias_ih{suffix}": Tensor(ordered(layer.biases[:half]), layer.trainable),
        f"bias_hh{suffix}": Tensor(ordered(layer.biases[half:]), layer.trainable),
    }
    if layer.is_standard:
        if layer.activations == ("Relu",):
            arguments = (*arguments, ("nonlinearity", '"relu"'))
        constructor, arguments = f"nn.{layer.operator}", (*arguments, ("batch_first", True))
    else:
        constructor = _OWN[layer.operator]
        t.shared.snippets.add(constructor)
        arguments = (*arguments, *_own_arguments(layer))
        if layer.peepholes is not None:
            tensors["peepholes"] = Tensor(layer.peepholes.reshape(3, hidden).astype(dtype, copy=False))
    if dtype != np.float32:
        arguments = (*arguments, ("dtype", torch_dtype(dtype)))
    hint = layer.operator.lower() + ("_backward" if reverse else "")
    member = Member(MODULE, constructor, arguments, tensors, hint, t.origin, t.shared.names.of_module(t.origin))
    if not layer.parameters:
        return member
    # Layers of CNTK that share their parameters are one module here.
    weights = tuple(tensor.array.tobytes() for tensor in tensors.values())
    return t.shared.members.setdefault(("recurrent", constructor, arguments, layer.parameters, weights), member)


def _own_arguments(layer: _Layer) -> tuple[tuple[str, object], ...]:
    defaults = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}[layer.operator]
    arguments: list[tuple[str, object]] = []
    if layer.activations != defaults:
        shown = ", ".join(_FUNCTIONS[name] for name in layer.activations)
        arguments.append(("activations", f"({shown}{',' if len(layer.activations) == 1 else ''})"))
    if layer.operator == "LSTM" and layer.peepholes is not None:
        arguments.append(("peepholes", True))
    if layer.operator == "GRU" and layer.after_reset:
        arguments.append(("linear_before_reset", True))
    return tuple(arguments)


def _state(t: Translation, node: ir.Node, direction: int, directions: int) -> Arg | None:
    """The initial state as PyTorch takes it, ``[1, N, H]`` or a pair of such; ``None`` for zeros."""
    given = [t.tensor(value).expr if value is not None else None for value in node.inputs[5:7]]
    if not any(part is not None for part in given):
        return None
    cut = "{0}" if directions == 1 else f"{{0:8}}[{direction}:{direction + 1}]"
    parts = [None if part is None else Expr(cut, (part,)) for part in given]
    if node.op_type != "LSTM":
        assert parts[0] is not None
        return parts[0]
    known = next(part for part in parts if part is not None)
    zeros = Expr("torch.zeros_like({0})", (known,))
    first, second = (part or zeros for part in [*parts, None][:2])
    return Expr("({0}, {1})", (first, second))
