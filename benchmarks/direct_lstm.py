"""What a network around an LSTM costs at least in onnxruntime: an ONNX model built by hand of the same weights.

It holds a product with the embedding, the LSTM operator and a dense layer, in the order of dimensions that the operator itself
has, `[T, N, ...]`, so that nothing is transposed; every sequence is as long as the batch. Normalisations are multiplied into
the weights beside them. Initial states other than 0 are an input. Whatever a converted model does beyond that, for lengths,
padding and the layout `[N, T, ...]`, shows in the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.source import read_model

Array = npt.NDArray[np.float32]
OPSET, IR_VERSION = 17, 8
EPSILON = 1e-5


@dataclass(frozen=True)
class Cell:
    """One direction of an LSTM, its gates in CNTK's order: weights `[I, 4H]`, recurrent weights `[H, 4H]`, bias `[4H]`."""

    weights: Array
    recurrent: Array
    bias: Array


@dataclass(frozen=True)
class Network:
    """Embedding `[V, I]`, one cell or one for each direction, a dense layer `[D, L]` and its bias `[L]`."""

    embedding: Array
    cells: tuple[Cell, ...]
    initial_state: float
    dense: Array
    bias: Array

    def write(self, path: Path) -> None:
        """Write the ONNX file: from `x [T, N, V]`, and `initial [directions, N, H]` where states are not 0, to `z [T, N, L]`."""
        directions, width = len(self.cells), len(self.cells[0].recurrent)
        weights = {
            "E": self.embedding,
            "W": np.stack([_gates(cell.weights).T for cell in self.cells]),
            "R": np.stack([_gates(cell.recurrent).T for cell in self.cells]),
            "B": np.stack([np.concatenate([_gates(cell.bias), np.zeros_like(cell.bias)]) for cell in self.cells]),
            "D": self.dense,
            "b": self.bias,
            "joined": np.array([0, 0, directions * width]),
        }
        states = ["", "initial", "initial"] if self.initial_state else []
        inputs = [_declared("x", "T", "N", self.embedding.shape[0])]
        inputs += [_declared("initial", directions, "N", width)] if states else []
        direction = "bidirectional" if directions == 2 else "forward"
        nodes = [
            helper.make_node("MatMul", ["x", "E"], ["embedded"]),
            helper.make_node("LSTM", ["embedded", "W", "R", "B", *states], ["y"], hidden_size=width, direction=direction),
            helper.make_node("Transpose", ["y"], ["beside"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", ["beside", "joined"], ["hidden"]),
            helper.make_node("MatMul", ["hidden", "D"], ["product"]),
            helper.make_node("Add", ["product", "b"], ["z"]),
        ]
        if directions == 1:  # Its dimension of 1 goes without moving anything.
            nodes[2:4] = [helper.make_node("Reshape", ["y", "joined"], ["hidden"])]
            weights["joined"] = np.array([0, -1, width])
        graph = helper.make_graph(
            nodes,
            "direct",
            [
                _declared("x", "T", "N", self.embedding.shape[0]),
                *([_declared("initial", directions, "N", width)] if states else []),
            ],
            [_declared("z", "T", "N", len(self.bias))],
            [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items()],
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION), path)

    def feed(self, value: Array) -> dict[str, Array]:
        """The inputs of the written model for a batch `[N, T, V]`."""
        given = {"x": np.ascontiguousarray(value.swapaxes(0, 1))}
        if self.initial_state:
            shape = (len(self.cells), len(value), len(self.cells[0].recurrent))
            given["initial"] = np.full(shape, self.initial_state, np.float32)
        return given


def read_tagger(model: Path) -> Network:
    """The network in golden/lstm_tagger."""
    weights = _weights(model)
    cell = Cell(weights["W", (32, 192)], weights["H", (48, 192)], weights["b", (192,)])
    return Network(weights["E", (80, 32)], (cell,), 0.0, weights["W", (48, 12)], weights["b", (12,)])


def read_slu(model: Path) -> Network:
    """CNTK's published language-understanding network in both directions, or one of its shape by cntk_slu.py."""
    weights = {name.removeprefix("model.arrayOfFunctions"): value for (name, _), value in _weights(model).items()}
    scale, offset = _normalisation(weights, "[1]")
    cells = []
    for direction in ("F", "G"):
        inward, recurrent, bias = (weights[f"[2].{direction}.lstm.{part}"] for part in "WHB")
        cells.append(Cell(inward, recurrent, bias + offset @ inward))
    embedding = weights["[0].E"] * scale
    scale, offset = _normalisation(weights, "[3]")
    dense, bias = (weights[f"[4].arrayOfFunctions[0].{part}"] for part in "Wb")
    return Network(embedding, tuple(cells), 0.1, scale[:, np.newaxis] * dense, bias + offset @ dense)


def _normalisation(weights: Mapping[str, Array], name: str) -> tuple[Array, Array]:
    """Batch normalisation as a scale and an offset."""
    scale, bias, mean, variance = (weights[f"{name}.{part}"].ravel() for part in ("scale", "bias", "runMean", "runVariance"))
    scale = scale / np.sqrt(variance + np.float32(EPSILON))
    return scale, bias - mean * scale


def _weights(model: Path) -> dict[tuple[str, tuple[int, ...]], Array]:
    """The named parameters and constants of a CNTK file, by name and shape."""
    variables = read_model(memoryview(model.read_bytes())).variables.values()
    arrays = [(each.name, each.value.array()) for each in variables if each.value is not None and each.name]
    return {(name, array.shape): array.astype(np.float32) for name, array in arrays}


def _gates(value: Array) -> Array:
    """The gates along the last axis, in ONNX's order instead of that of CNTK's layers and BrainScript."""
    into, candidate, forget, out = np.split(value, 4, axis=-1)
    return np.concatenate([into, out, forget, candidate], axis=-1)


def _declared(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
