"""What repeats becomes a class, what does not stays as it is, and neither changes what is computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import bridge
from bridge.lower import LoweringOptions
from bridge.targets.pytorch.folder import write_torch
from bridge.targets.pytorch.translation import Names
from tests.lower.graphs import Array, Graph

WIDTH = 6


def _weights(seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((WIDTH, WIDTH)).astype(np.float32) / 4


def _block(graph: Graph, x: str, seed: int, activation: str) -> str:
    """A residual block: two products with an activation between them, the input added, a gate behind."""
    first = graph.op(activation, graph.op("Times", graph.parameter(_weights(seed)), x, outputRank=1))
    second = graph.op("Times", graph.parameter(_weights(seed + 1)), first, outputRank=1)
    gate = graph.op("StableSigmoid", graph.op("Times", graph.parameter(_weights(seed + 2)), second, outputRank=1))
    return graph.op("Plus", x, graph.op("ElementTimes", graph.op("Tanh", second), gate))


def _network(activations: list[str]) -> tuple[Graph, str]:
    graph = Graph()
    x = graph.input("x", (WIDTH,))
    for number, activation in enumerate(activations):
        x = _block(graph, x, 10 * number, activation)
    return graph, x


def _module(graph: Graph, output: str, folder: Path) -> tuple[torch.nn.Module, str]:
    write_torch(graph.lower(output, options=LoweringOptions(for_training=True)), Names(), folder)
    return bridge.load_torch(folder, allow_unsigned=True), (folder / "model.py").read_text()


@pytest.mark.parametrize(
    "activations", [["ReLU"] * 5, ["Tanh"] * 2, ["ReLU", "ReLU", "Tanh", "Tanh", "ReLU"], ["ReLU", "Tanh", "Sigmoid"]]
)
def test_recovered_structure_computes_the_same(activations: list[str], tmp_path: Path) -> None:
    graph, output = _network(activations)
    values = np.random.default_rng(7).standard_normal((3, WIDTH)).astype(np.float32)
    module, _ = _module(graph, output, tmp_path)
    found = module(x=torch.from_numpy(values))[output].detach().numpy()
    np.testing.assert_allclose(found, graph.run(output, {"x": values}), rtol=1e-5, atol=1e-6)


def test_blocks_that_repeat_become_one_class(tmp_path: Path) -> None:
    graph, output = _network(["ReLU"] * 5)
    module, source = _module(graph, output, tmp_path)
    assert source.count("(nn.Module):") == 2
    kinds = [type(part).__name__ for part in module.modules() if type(part).__module__ == type(module).__module__]
    assert len(kinds) == 6
    assert len(set(kinds[1:])) == 1
    assert len(module.state_dict()) == 15


def test_what_blocks_do_not_have_in_common_stays_outside_their_class(tmp_path: Path) -> None:
    graph, output = _network(["ReLU", "Tanh", "Sigmoid"])
    _, source = _module(graph, output, tmp_path)
    shared, model = source.split("class Model(nn.Module):")
    assert shared.count("(nn.Module):") == 1
    assert [model.count(call) for call in ("F.relu(", "torch.tanh(self", "torch.sigmoid(self")] == [1, 1, 1]
    assert "F.relu(" not in shared


def test_a_block_that_stands_alone_becomes_no_class(tmp_path: Path) -> None:
    graph, output = _network(["ReLU"])
    _, source = _module(graph, output, tmp_path)
    assert source.count("(nn.Module):") == 1


def test_parameters_that_blocks_share_stay_one(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.input("x", (WIDTH,))
    shared = graph.parameter(_weights(1))
    for seed in (10, 20, 30):
        inner = graph.op("Tanh", graph.op("Times", graph.parameter(_weights(seed)), x, outputRank=1))
        x = graph.op("Plus", x, graph.op("ReLU", graph.op("Times", shared, inner, outputRank=1)))
    module, _ = _module(graph, x, tmp_path)
    assert len(list(module.parameters())) == 4
    values = np.random.default_rng(8).standard_normal((2, WIDTH)).astype(np.float32)
    np.testing.assert_allclose(
        module(x=torch.from_numpy(values))[x].detach().numpy(), graph.run(x, {"x": values}), rtol=1e-5, atol=1e-6
    )
