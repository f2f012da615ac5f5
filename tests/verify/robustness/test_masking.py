"""The whole test on the fixtures that it must not be fooled by."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from bridge.errors import InvalidOptionError
from tests.verify.robustness.digits import Digits
from tests.verify.robustness.networks import DigitsNetwork, run_of, session_of, spoilt
from verify.equivalence.backends import BackendError
from verify.robustness.document import CheckStatus, Kind, RobustnessReport, Verdict
from verify.robustness.gates import Gates
from verify.robustness.plan import Plan, Tier
from verify.robustness.testing import Options, Sides, run_robustness_test
from verify.robustness.threat import Norm, Threat

LINF = Threat(Norm.LINF, 0.15, 0.0, 1.0)
QUICK = Plan(Tier.SMOKE, noise_draws=2, pgd_steps=10, square_queries=120, sweep_steps=5, surrogate_steps=30)


def rounded(x: Tensor) -> Tensor:
    return torch.round(x * 16) / 16


def sharp(logits: Tensor) -> Tensor:
    return torch.softmax(20 * logits, dim=1)


def status(report: RobustnessReport, name: str) -> CheckStatus:
    return next(check.status for check in report.checks if check.name == name)


def measured(digits: Digits, network: DigitsNetwork, gates: Gates | None = None, plan: Plan = QUICK) -> RobustnessReport:
    """The network as both sides."""
    sides = Sides(run_of(network), network, "z", same=True)
    return run_robustness_test(sides, digits.samples(40), LINF, Options(plan=plan, gates=gates or Gates()))


def both(digits: Digits, network: DigitsNetwork, gates: Gates | None = None, wrong: float = 0.0) -> RobustnessReport:
    """The network in PyTorch beside itself in onnxruntime."""
    sides = Sides(session_of(network, wrong=wrong), network, "z")
    return run_robustness_test(sides, digits.samples(40), LINF, Options(plan=QUICK, gates=gates or Gates()))


def test_a_plain_network_is_measured_and_no_sign_is_raised(digits: Digits, standard: DigitsNetwork) -> None:
    report = both(digits, standard)
    assert report.verdict is Verdict.PASS
    assert report.worst is not None
    assert report.worst.rate <= 0.25
    assert {check.status for check in report.checks} <= {CheckStatus.CLEAR, CheckStatus.NOTED}
    assert {attack.kind for attack in report.attacks} == set(Kind)
    assert report.parity is not None
    assert report.parity.holds
    assert report.parity.transferred.count == report.parity.transferred.total > 20
    rates = [point.robust.rate for point in report.curve]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0
    assert report.distances is not None
    assert 0 < report.distances.p10 <= report.distances.median <= report.distances.p90
    assert len(report.examples) == 6


def test_a_masked_network_is_unreliable_however_robust_it_looks(digits: Digits, standard: DigitsNetwork) -> None:
    report = measured(digits, spoilt(standard, rounded, sharp))
    by_gradient = [attack for attack in report.attacks if attack.kind is Kind.WHITE_BOX]
    assert min(attack.robust.rate for attack in by_gradient) >= 0.9
    assert report.verdict is Verdict.UNRELIABLE
    assert not report.holds
    for name in ("zero gradients", "black box beats white box", "success does not rise with epsilon", "softmax saturation"):
        assert status(report, name) is CheckStatus.RAISED, name


def test_rounding_alone_shows_as_zero_gradients(digits: Digits, standard: DigitsNetwork) -> None:
    report = measured(digits, spoilt(standard, rounded))
    assert status(report, "zero gradients") is CheckStatus.RAISED
    assert status(report, "softmax saturation") is CheckStatus.CLEAR
    assert report.verdict is Verdict.UNRELIABLE


def test_dropout_that_was_left_on_shows_as_randomness(digits: Digits, standard: DigitsNetwork) -> None:
    report = measured(digits, spoilt(standard, lambda x: torch.nn.functional.dropout(x, 0.1, training=True)))
    assert status(report, "randomness") is CheckStatus.RAISED
    assert report.verdict is Verdict.UNRELIABLE


def test_a_plain_softmax_is_noted_and_attacked_as_well_as_logits(digits: Digits, standard: DigitsNetwork) -> None:
    soft = measured(digits, spoilt(standard, back=lambda z: torch.softmax(z, dim=1)))
    hard = measured(digits, standard)
    assert status(soft, "softmax saturation") is CheckStatus.NOTED
    assert soft.verdict is Verdict.PASS
    assert soft.worst is not None
    assert hard.worst is not None
    assert abs(soft.worst.count - hard.worst.count) <= 2


def test_a_wrong_conversion_breaks_parity(digits: Digits, standard: DigitsNetwork) -> None:
    report = both(digits, standard, wrong=0.3)
    assert report.parity is not None
    assert not report.parity.holds
    assert report.parity.flips.count > 5
    assert report.verdict is Verdict.FAIL


def test_the_floor_is_held_against_the_lower_bound(digits: Digits, hardened: DigitsNetwork) -> None:
    report = both(digits, hardened, Gates(floor=0.25))
    assert report.worst is not None
    assert report.verdict is Verdict.PASS
    gate = next(gate for gate in report.gates if gate.name == "floor")
    assert gate.bound < report.worst.rate
    above = both(digits, hardened, Gates(floor=(gate.bound + report.worst.rate) / 2))
    assert above.verdict is Verdict.FAIL


def test_the_ceiling_tells_attacks_that_have_lost_their_teeth(digits: Digits, standard: DigitsNetwork) -> None:
    assert measured(digits, standard, Gates(ceiling=0.45)).verdict is Verdict.PASS
    assert measured(digits, spoilt(standard, rounded, sharp), Gates(ceiling=0.45)).verdict is Verdict.FAIL


def test_the_same_seed_gives_the_same_report(digits: Digits, standard: DigitsNetwork) -> None:
    def figures() -> object:
        document = both(digits, standard).to_json()
        for name in ("created", "seconds"):
            document.pop(name)
        for attack in document["attacks"]:
            attack.pop("seconds")
        return json.dumps(document)

    assert figures() == figures()


def test_a_model_that_classifies_nothing_gives_no_result(digits: Digits, standard: DigitsNetwork) -> None:
    wrong = replace(digits, test_labels=(standard(torch.from_numpy(digits.test_images))["z"].argmin(dim=1)).numpy())
    report = measured(wrong, standard)
    assert report.verdict is Verdict.ERROR
    assert "nothing to break" in report.error


def test_a_runtime_that_fails_under_attack_is_an_error_and_no_pass(digits: Digits, standard: DigitsNetwork) -> None:
    run, calls = session_of(standard), iter(range(5))

    def failing(feeds: dict[str, np.ndarray]) -> object:  # type: ignore[type-arg]
        if next(calls, None) is None:
            raise BackendError("out of memory")
        return run(feeds)

    sides = Sides(failing, standard, "z")  # type: ignore[arg-type]
    report = run_robustness_test(sides, digits.samples(40), LINF, Options(plan=QUICK))
    assert report.verdict is Verdict.ERROR
    assert "out of memory" in report.error


def test_an_output_that_the_model_does_not_have_is_refused(digits: Digits, standard: DigitsNetwork) -> None:
    with pytest.raises(InvalidOptionError, match="no output 'y'; it has z"):
        run_robustness_test(Sides(session_of(standard), standard, "y"), digits.samples(5), LINF, Options(plan=QUICK))


def test_progress_ends_where_it_said_it_would(digits: Digits, standard: DigitsNetwork) -> None:
    seen: list[tuple[int, int]] = []
    options = Options(plan=QUICK, progress=lambda done, total, what: seen.append((done, total)))  # noqa: ARG005
    run_robustness_test(Sides(run_of(standard), standard, "z", same=True), digits.samples(20), LINF, options)
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
