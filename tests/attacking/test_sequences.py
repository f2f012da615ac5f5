"""Recurrent golden models with a label for every step of ragged sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bridge
from bridge.attacking import AttackOptions, attack
from bridge.attacking.served import served_file
from bridge.attacking.twin import converted_twin
from bridge.errors import InvalidOptionError
from tests.attacking.sequences import Recorded, recorded
from verify.robustness.attacks.scores import Array
from verify.robustness.document import Kind, RobustnessReport, Verdict
from verify.robustness.plan import Plan, Tier
from verify.robustness.samples import Samples, mask_of_lengths
from verify.robustness.testing import Options, Sides, Trial, run_robustness_test
from verify.robustness.threat import Norm, Threat

BRIEF = Plan(Tier.SMOKE, noise_draws=2, pgd_steps=4, square_queries=20, sweep_steps=2)


def attacked(case: Recorded, output: str, threat: Threat, folder: Path) -> tuple[RobustnessReport, list[Mapping[str, Array]]]:
    """The test of a model, and everything that the served model and its twin were fed in it."""
    bridge.convert(case.model, folder / "model.onnx")
    served = served_file((folder / "model.onnx").read_bytes(), "model.onnx")
    module, _ = converted_twin(case.model, tuple(served.outputs))
    fed: list[Mapping[str, Array]] = []

    def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        fed.append(feeds)
        return served.run(feeds)

    def seen(module: object, positional: object, feeds: Mapping[str, Any]) -> None:
        del module, positional
        fed.append({name: value.detach().numpy() for name, value in feeds.items()})

    module.register_forward_pre_hook(seen, with_kwargs=True)
    name = next(place.name for place in served.inputs.values() if not place.optional)
    inside = np.arange(case.x.shape[1])[None, :] < case.lengths[:, None]
    samples = Samples(
        name, case.x, np.where(inside, case.labels, -1), {"lengths": case.lengths}, mask_of_lengths(case.lengths, case.x.shape)
    )
    return run_robustness_test(Sides(run, module, output), samples, (Trial(threat),), Options(plan=BRIEF)), fed


def padding_is_untouched(fed: list[Mapping[str, Array]], name: str, padding: float) -> bool:
    """Whether nothing behind the end of any sequence that a model was fed differs from what stood there."""
    return all(
        (sequence[length:] == padding).all()
        for feeds in fed
        for sequence, length in zip(feeds[name], feeds["lengths"], strict=True)
    )


def test_dense_steps_are_moved_within_their_true_lengths_alone(tmp_path: Path) -> None:
    case = recorded("gru_encoder")
    outside = np.arange(case.x.shape[1])[None, :] >= case.lengths[:, None]
    case = replace(case, x=np.where(outside[..., None], np.float32(0.25), case.x))
    report, fed = attacked(case, "states", Threat(Norm.LINF, 0.3, -6.0, 6.0), tmp_path)
    (result,) = report.results
    assert result.verdict is Verdict.PASS
    assert {attack.kind for attack in result.attacks} == set(Kind)
    assert result.worst is not None
    assert result.worst.count < result.worst.total == 4
    assert padding_is_untouched(fed, "features", 0.25)
    assert not padding_is_untouched(fed, "features", 0.0)
    assert max(np.abs(feeds["features"][0] - case.x[0]).max() for feeds in fed if len(feeds["features"]) == 4) > 0.29


@pytest.mark.parametrize("name", ["lstm_tagger", "v1_lstm_tagger"])
def test_tokens_are_counted_for_each_sequence_and_replaced_within_its_length(name: str, tmp_path: Path) -> None:
    case = recorded(name)
    output = "tags" if name == "lstm_tagger" else "Plus803_Output_0"
    report, fed = attacked(case, output, Threat(Norm.TOKENS, 2, 0.0, 1.0), tmp_path)
    (result,) = report.results
    assert result.verdict is Verdict.PASS
    assert {attack.name for attack in result.attacks} >= {"tokens by gradient", "tokens by scores"}
    assert all(1 <= attack.reach <= 2 for attack in result.attacks)
    assert padding_is_untouched(fed, "words", 0.0)
    for feeds in fed:
        for sequence, length in zip(feeds["words"], feeds["lengths"], strict=True):
            assert (sequence[:length].sum(axis=1) == 1).all()
    # One sequence has a single step, which no longer counts once its token is another: it alone cannot be broken.
    assert result.worst is not None
    assert (result.worst.count, result.worst.total) == (1, 5)
    assert report.data is not None
    assert report.data.steps == case.lengths.sum()
    assert [side.steps_right for side in report.sides] == [case.lengths.sum()] * 2


def test_a_model_in_double_precision_is_attacked_in_it(tmp_path: Path) -> None:
    case = recorded("double_precision")
    report, fed = attacked(case, "steps", Threat(Norm.L2, 1.0, -6.0, 6.0), tmp_path)
    parity = report.results[0].parity
    assert parity is not None
    assert parity.greatest_difference < 1e-12
    assert {feeds["signal"].dtype.name for feeds in fed} == {"float64"}
    assert report.results[0].attacks


def test_labels_of_whole_sequences_do_not_suit_an_output_of_steps(tmp_path: Path) -> None:
    case = recorded("lstm_tagger")
    data = replace(case, labels=case.labels[:, 0]).save(tmp_path)
    with pytest.raises(InvalidOptionError, match="scores for every step"):
        attack(case.model, data, AttackOptions(epsilon=1))
