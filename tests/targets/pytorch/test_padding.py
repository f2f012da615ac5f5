"""Masks in generated source: as many as padding needs, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from tests.targets.pytorch.converted import converted


def _with_padding(inputs: dict[str, torch.Tensor], fill: float) -> dict[str, torch.Tensor]:
    """The inputs with ``fill`` behind the end of each sequence."""
    (name,) = [name for name, value in inputs.items() if value.dim() > 2]
    padded = inputs[name].clone()
    for row, length in enumerate(inputs["lengths"].tolist()):
        padded[row, length:] = fill
    return inputs | {name: padded}


def test_a_layer_that_is_masked_behind_is_called_without_a_mask(tmp_path: Path) -> None:
    made = converted("lstm_tagger", tmp_path / "module")
    assert "self.lstm(self.linear(words))[0]" in made.source
    assert "run_layer" not in made.source
    assert made.source.count("= masked(") == 1


@pytest.mark.parametrize("case", ["lstm_tagger", "gru_encoder", "recurrence_with_peepholes", "language_model"])
def test_what_stands_on_padding_reaches_no_result(case: str, tmp_path: Path) -> None:
    made = converted(case, tmp_path / "module")
    assert int(made.inputs["lengths"].min()) < int(made.inputs["lengths"].max())
    with torch.no_grad():
        plain = made.module(**made.inputs)
        poisoned = made.module(**_with_padding(made.inputs, float("nan")))
    for name, value in plain.items():
        assert torch.equal(poisoned[name], value), name


def test_a_layer_whose_states_go_out_keeps_its_mask(tmp_path: Path) -> None:
    made = converted("gru_encoder", tmp_path / "module")
    lengths = made.inputs["lengths"].tolist()
    states = made.module(**made.inputs)["states"]
    assert not any(states[row, length:].any() for row, length in enumerate(lengths))
    assert "run_layer" in made.source
