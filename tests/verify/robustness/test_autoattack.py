"""The gold tier: AutoAttack itself, which is an extra."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from bridge.errors import InvalidOptionError, UsageError
from tests.verify.robustness.digits import Digits
from tests.verify.robustness.networks import DigitsNetwork, session_of
from verify.robustness.attacks.apgd import ApgdSettings
from verify.robustness.attacks.autoattack import autoattack, ensemble, require_library
from verify.robustness.document import Verdict
from verify.robustness.plan import PLANS, Plan, Tier
from verify.robustness.samples import Samples
from verify.robustness.testing import Options, Sides, Trial, run_robustness_test
from verify.robustness.threat import Norm, Threat

LINF = Threat(Norm.LINF, 0.15, 0.0, 1.0)
L2 = Threat(Norm.L2, 0.8, 0.0, 1.0)
GREY = Threat(Norm.LINF, 0.15 * 255, 0.0, 255.0)


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyautoattack", None)  # As Python marks what cannot be imported.
    with pytest.raises(UsageError, match=r"pip install 'cntk-bridge\[robustness-gold\]'"):
        require_library()
    x = torch.zeros(1, 1, 8, 8)
    with pytest.raises(UsageError, match="robustness-gold"):
        autoattack(lambda moved, rows: moved.flatten(1)[:, :4], x, torch.zeros(1, dtype=torch.int64), LINF, seed=0)  # noqa: ARG005


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (Samples("x", np.zeros((2, 8), np.float32), np.zeros(2, np.int64)), "images alone"),
        (Samples("x", np.zeros((2, 4, 8), np.float32), np.zeros((2, 4), np.int64)), "images alone"),
        (
            Samples("x", np.zeros((2, 1, 8, 8), np.float32), np.zeros(2, np.int64), {"side": np.zeros((2, 1), np.float32)}),
            "one input alone",
        ),
    ],
    ids=["vectors", "sequences", "two-inputs"],
)
def test_what_it_cannot_attack_is_refused_before_anything_is_run(samples: Samples, told: str) -> None:
    calls = []

    def run(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
        calls.append(feeds)
        return {"z": np.zeros((2, *samples.labels.shape[1:], 4), np.float32)}

    class Zeros(torch.nn.Module):
        def forward(self, **feeds: torch.Tensor) -> torch.Tensor:
            return torch.zeros(*feeds["x"].shape[: samples.labels.ndim], 4)

    with pytest.raises(InvalidOptionError, match=told):
        run_robustness_test(Sides(run, Zeros(), "z"), samples, (Trial(LINF),), Options(plan=PLANS[Tier.GOLD]))  # type: ignore[arg-type]
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("classes", "attacks"),
    [(2, ("apgd-ce", "fab-t", "square")), (10, ("apgd-ce", "apgd-t", "fab-t", "square"))],
)
def test_targeted_attacks_are_left_out_where_there_are_too_few_classes(classes: int, attacks: tuple[str, ...]) -> None:
    assert ensemble(classes) == attacks


@pytest.mark.slow
@pytest.mark.parametrize("threat", [LINF, L2, GREY], ids=["linf", "l2", "grey-levels"])
def test_it_breaks_what_our_attacks_break_and_stays_in_the_ball(threat: Threat, digits: Digits, standard: DigitsNetwork) -> None:
    pytest.importorskip("pyautoattack")
    width = threat.high - threat.low
    x, labels = torch.from_numpy(digits.test_images[:12]) * width, torch.from_numpy(digits.test_labels[:12])

    def target(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        del rows
        logits: torch.Tensor = standard(x / width)["z"]
        return logits

    found = autoattack(target, x, labels, threat, seed=0)
    delta = (found - x).flatten(1)
    reach = delta.abs().amax(dim=1) if threat.norm is Norm.LINF else delta.norm(dim=1)
    assert float(reach.max()) <= threat.epsilon * (1 + 1e-5)
    assert float(found.min()) >= threat.low
    assert float(found.max()) <= threat.high
    assert int((standard(found / width)["z"].argmax(dim=1) == labels).sum()) <= 4
    again = autoattack(target, x, labels, threat, seed=0)
    assert torch.equal(found, again)


@pytest.mark.slow
def test_the_gold_tier_reports_it_beside_the_others_and_is_no_weaker(digits: Digits, hardened: DigitsNetwork) -> None:
    pytest.importorskip("pyautoattack")
    plan = Plan(Tier.GOLD, pgd_steps=10, square_queries=50, sweep_steps=3, apgd=ApgdSettings(steps=20), autoattack=True)
    report = run_robustness_test(
        Sides(session_of(hardened), hardened, "z"), digits.samples(6), (Trial(LINF), Trial(L2)), Options(plan=plan)
    )
    assert report.verdict is Verdict.PASS
    for result in report.results:
        attacks = {attack.name: attack for attack in result.attacks}
        assert attacks["AutoAttack"].library.startswith("pyautoattack 0.2")
        assert attacks["AutoAttack"].robust.count <= min(attack.robust.count for attack in result.attacks) + 1
        assert result.worst is not None
        assert result.worst.count <= attacks["AutoAttack"].robust.count
