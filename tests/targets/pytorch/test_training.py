"""A converted module trains: dropout, statistics, frozen parameters, falling losses, right gradients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import bridge
from bridge.lower import LoweringOptions
from bridge.targets.pytorch.folder import write_torch
from bridge.targets.pytorch.translation import Names
from tests.lower.graphs import SEQUENCE, Graph
from tests.lower.recurrence.cntk_cells import HIDDEN, INPUTS, Rnn, Writer, recurrence
from tests.targets.pytorch.converted import converted


def test_dropout_has_the_rate_of_cntk_and_rests_in_evaluation(tmp_path: Path) -> None:
    made = converted("digits_lenet", tmp_path / "module")
    rates = [module.p for module in made.module.modules() if isinstance(module, torch.nn.Dropout)]
    assert rates == [0.25]
    still = [made.module(**made.inputs)["z"] for _ in range(2)]
    assert torch.equal(*still)
    made.module.train()
    moving = [made.module(**made.inputs)["z"] for _ in range(2)]
    assert not torch.equal(*moving)


def test_batch_normalisation_gathers_statistics_with_the_momentum_of_cntk(tmp_path: Path) -> None:
    made = converted("resnet20", tmp_path / "module")
    norms = [module for module in made.module.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert len(norms) == 21
    assert {norm.momentum for norm in norms} == {float(f"{1 - np.exp(-64 / 4096):.4g}")}
    before = [norm.state_dict()["running_mean"].clone() for norm in norms]
    made.module.train()(**made.inputs)
    after = [norm.state_dict()["running_mean"] for norm in norms]
    assert not any(torch.equal(new, old) for new, old in zip(after, before, strict=True))


def test_every_parameter_of_cntk_is_trained_unless_it_is_frozen(tmp_path: Path) -> None:
    made = converted("digits_lenet", tmp_path / "module")
    counted = sum(parameter.numel() for parameter in made.module.parameters() if parameter.requires_grad)
    assert counted == 16 * 9 + 16 + 32 * 16 * 9 + 32 + 128 * 64 + 64 + 64 * 10 + 10


def test_fine_tuning_the_digits_model_makes_its_loss_fall(tmp_path: Path) -> None:
    torch.manual_seed(1)
    made = converted("digits_lenet", tmp_path / "module")
    images = made.inputs["image"]
    with torch.no_grad():
        labels = made.module(image=images)["z"].argmax(1).roll(1)  # Other labels than it was trained on.
    optimizer = torch.optim.Adam(made.module.parameters(), lr=2e-3)
    made.module.train()
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(made.module(image=images)["z"], labels)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("case", ["digits_lenet", "lstm_tagger", "recurrence_by_hand", "wide_and_deep", "gru_encoder"])
def test_gradients_are_those_of_finite_differences(case: str, tmp_path: Path) -> None:
    made = converted(case, tmp_path / "module")
    module = made.module.double()
    inputs = {name: value.double() if value.is_floating_point() else value for name, value in made.inputs.items()}

    def loss() -> torch.Tensor:
        return sum((value.square().sum() for value in module(**inputs).values()), torch.zeros((), dtype=torch.float64))

    torch.autograd.backward(loss())
    generator = np.random.default_rng(3)
    step = 1e-6
    for name, parameter in module.named_parameters():
        place = int(generator.integers(parameter.numel()))
        with torch.no_grad():
            flat = parameter.view(-1)
            original = flat[place].item()
            flat[place] = original + step
            above = loss().item()
            flat[place] = original - step
            below = loss().item()
            flat[place] = original
        assert parameter.grad is not None, name
        expected = (above - below) / (2 * step)
        assert parameter.grad.view(-1)[place].item() == pytest.approx(expected, rel=1e-4, abs=1e-5), name


def test_a_learnable_initial_state_that_starts_at_zero_is_trained(tmp_path: Path) -> None:
    graph = Graph()
    writer = Writer(graph)
    x = graph.input("x", (INPUTS,), SEQUENCE)
    start = graph.parameter(np.zeros(HIDDEN))
    graph._variables[start] = replace(graph._variables[start], needs_gradient=True)
    states = recurrence(writer, x, Rnn(), initial=(start, start))
    write_torch(graph.lower(states, options=LoweringOptions(for_training=True)), Names({start: "start"}), tmp_path)
    module = bridge.load_torch(tmp_path, allow_unsigned=True)
    (result,) = module(x=torch.ones(2, 3, INPUTS)).values()
    torch.autograd.backward(result.sum())
    gradient = dict(module.named_parameters())["start"].grad
    assert gradient is not None
    assert gradient.any()
