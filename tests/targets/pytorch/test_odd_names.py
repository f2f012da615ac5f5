"""Inputs and outputs whose CNTK names Python cannot say, or that mean something else to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

import bridge
from bridge.errors import RefusedError
from bridge.lower import LoweringOptions
from bridge.targets.pytorch.folder import write_torch
from bridge.targets.pytorch.translation import Names
from tests.lower.graphs import SEQUENCE, Graph

NAMES = [
    "features.0",
    "hidden layer",
    "class",
    "torch",
    "F",
    "Tensor",
    "print",
    "__class__",
    "1st",
    'a"b\\c',
    "größe",
    "λ",
    "x\ny",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_input_keeps_its_name_in_a_call(name: str, tmp_path: Path) -> None:
    graph = Graph()
    x, y = graph.input(name, (3,)), graph.input("x", (3,))
    write_torch(graph.lower(graph.op("Minus", x, y, name="z")), Names(), tmp_path)
    module = bridge.load_torch(tmp_path, allow_unsigned=True)
    assert module(**{name: torch.full((1, 3), 5.0), "x": torch.ones(1, 3)})["z"].tolist() == [[4.0, 4.0, 4.0]]
    described = json.loads((tmp_path / "interface.json").read_bytes())
    assert [port["name"] for port in described["inputs"]] == [name, "x"]


@pytest.mark.parametrize("name", NAMES)
def test_an_output_and_a_parameter_keep_their_names(name: str, tmp_path: Path) -> None:
    graph = Graph()
    weight = graph.parameter([1.0, 2.0, 3.0])
    product = graph.op("ElementTimes", graph.input("x", (3,)), weight, name=name)
    write_torch(graph.lower(product, options=LoweringOptions(for_training=True)), Names({weight: name}), tmp_path)
    module = bridge.load_torch(tmp_path, allow_unsigned=True)
    assert module(x=torch.ones(1, 3))[name].tolist() == [[1.0, 2.0, 3.0]]
    assert len(list(module.parameters())) == 1


def test_an_input_called_self_is_refused(tmp_path: Path) -> None:
    graph = Graph()
    lowered = graph.lower(graph.op("Abs", graph.input("self", (3,)), name="z"))
    with pytest.raises(RefusedError, match="'self'"):
        write_torch(lowered, Names(), tmp_path)


def test_lengths_of_an_oddly_named_sequence_axis_may_be_left_out(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.input("the words", (2,), SEQUENCE)
    total = graph.op("ElementTimes", x, graph.constant([2.0, 2.0]), name="z")
    write_torch(graph.lower(total), Names(), tmp_path)
    module = bridge.load_torch(tmp_path, allow_unsigned=True)
    assert module(**{"the words": torch.ones(1, 2, 2)})["z"].tolist() == [[[2.0, 2.0], [2.0, 2.0]]]
    described = json.loads((tmp_path / "interface.json").read_bytes())
    assert [(port["name"], port["shape"], port["optional"]) for port in described["inputs"]] == [
        ("the words", ["N", "T", 2], False),
        ("lengths", ["N"], True),
    ]


def test_two_inputs_whose_names_become_one_stay_apart(tmp_path: Path) -> None:
    graph = Graph()
    difference = graph.op("Minus", graph.input("a b", (1,)), graph.input("a_b", (1,)), name="z")
    write_torch(graph.lower(difference), Names(), tmp_path)
    module = bridge.load_torch(tmp_path, allow_unsigned=True)
    assert module(**{"a b": torch.tensor([[7.0]]), "a_b": torch.tensor([[2.0]])})["z"].item() == 5.0
