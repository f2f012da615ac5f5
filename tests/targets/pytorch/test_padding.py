"""Masks in generated source: as many as padding needs, and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from bridge.targets.pytorch.expression import Expr, Ref
from bridge.targets.pytorch.members import MODULE, Member
from bridge.targets.pytorch.padding import drop_inner_masks
from bridge.targets.pytorch.program import Region, Statement
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


def _chain(*behind: Callable[[Ref], Expr]) -> tuple[Region, Statement]:
    """A layer that runs forward under a mask, what comes ``behind`` it one after the other, and the mask again at the end."""
    x, mask, *values = (Ref(number) for number in range(4 + len(behind)))
    layer = Member(MODULE, "nn.LSTM", (), {}, "lstm")
    first = Statement((values[0],), Expr("run_layer({0}, {1}, {2})", (layer, x, mask)))
    region = Region("Model", [x, mask], [first], [values[-1]])
    region.statements += [Statement((values[k + 1],), make(values[k])) for k, make in enumerate(behind)]
    region.statements.append(Statement((values[-1],), Expr("masked({0}, {1})", (values[-2], mask))))
    return region, first


def _linear(value: Ref) -> Expr:
    return Expr("{0}({1})", (Member(MODULE, "nn.Linear", (), {}, "linear"), value))


def _template(statement: Statement) -> str:
    assert isinstance(statement.expr, Expr)
    return statement.expr.template


def test_a_mask_goes_where_all_that_reads_the_layer_works_step_by_step() -> None:
    region, first = _chain(_linear, _linear)
    drop_inner_masks(region)
    assert _template(first) == "{0}({1})[0]"


@pytest.mark.parametrize("reader", ["{0:8}.flip(1)", "{0:8}.cumsum(1)", "{0:8}.roll(-1, 1)"])
def test_a_mask_stays_where_a_step_reads_another(reader: str) -> None:
    region, first = _chain(_linear, lambda value: Expr(reader, (value,)))
    drop_inner_masks(region)
    assert _template(first).startswith("run_layer(")


def test_a_mask_stays_where_a_module_mixes_steps() -> None:
    region, first = _chain(lambda value: Expr("{0}({1})", (Member(MODULE, "nn.Conv1d", (), {}, "convolution"), value)))
    drop_inner_masks(region)
    assert _template(first).startswith("run_layer(")


def test_a_mask_stays_where_what_comes_behind_is_an_output_itself() -> None:
    region, first = _chain(_linear)
    region.results.append(region.statements[1].targets[0])
    drop_inner_masks(region)
    assert _template(first).startswith("run_layer(")


def test_a_mask_stays_where_another_mask_stands_behind() -> None:
    region, first = _chain(_linear)
    other, last = Ref(99), region.statements[-1]
    assert isinstance(last.expr, Expr)
    last.expr = Expr(last.expr.template, (last.expr.args[0], other))
    drop_inner_masks(region)
    assert _template(first).startswith("run_layer(")
