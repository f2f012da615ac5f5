"""The whole test on the fixtures that it must not be fooled by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from bridge.errors import InvalidOptionError
from tests.verify.robustness.digits import Digits
from tests.verify.robustness.networks import DigitsNetwork, run_of, session_of, spoilt
from verify.equivalence.backends import BackendError
from verify.report.document.codec import encode
from verify.robustness.document import CheckStatus, Kind, ThreatResult, Verdict
from verify.robustness.gates import Gates
from verify.robustness.plan import Plan, Tier
from verify.robustness.testing import Options, Sides, Trial, run_robustness_test
from verify.robustness.threat import Norm, Threat

LINF = Threat(Norm.LINF, 0.15, 0.0, 1.0)
L2 = Threat(Norm.L2, 0.8, 0.0, 1.0)
QUICK = Plan(Tier.SMOKE, noise_draws=2, pgd_steps=10, square_queries=120, sweep_steps=5, surrogate_steps=30)


PLAIN = Trial(LINF)
BRIEF = Plan(Tier.SMOKE, noise_draws=1, pgd_steps=3, square_queries=10, sweep_steps=2, surrogate_steps=5)


def rounded(x: Tensor) -> Tensor:
    return torch.round(x * 16) / 16


def sharp(logits: Tensor) -> Tensor:
    return torch.softmax(20 * logits, dim=1)


def status(result: ThreatResult, name: str) -> CheckStatus:
    return next(check.status for check in result.checks if check.name == name)


def measured(digits: Digits, network: DigitsNetwork, plan: Plan = QUICK) -> ThreatResult:
    """The network as both sides."""
    sides = Sides(run_of(network), network, "z", same=True)
    (result,) = run_robustness_test(sides, digits.samples(40), (Trial(LINF),), Options(plan=plan)).results
    return result


def both(digits: Digits, network: DigitsNetwork, trial: Trial = PLAIN, plan: Plan = QUICK, wrong: float = 0.0) -> ThreatResult:
    """The network in PyTorch beside itself in onnxruntime."""
    sides = Sides(session_of(network, wrong=wrong), network, "z")
    (result,) = run_robustness_test(sides, digits.samples(40), (trial,), Options(plan=plan)).results
    return result


def gated(result: ThreatResult, gates: Gates) -> ThreatResult:
    """What the same test would have said under other gates."""
    assert result.worst is not None
    return replace(result, gates=gates.of(result.worst, result.parity))


@pytest.fixture(scope="module")
def plain(digits: Digits, standard: DigitsNetwork) -> ThreatResult:
    return both(digits, standard)


@pytest.fixture(scope="module")
def masked(digits: Digits, standard: DigitsNetwork) -> ThreatResult:
    return measured(digits, spoilt(standard, rounded, sharp))


def test_a_plain_network_is_measured_and_no_sign_is_raised(plain: ThreatResult) -> None:
    assert plain.verdict is Verdict.PASS
    assert plain.worst is not None
    assert plain.worst.rate <= 0.25
    assert {check.status for check in plain.checks} <= {CheckStatus.CLEAR, CheckStatus.NOTED}
    assert {attack.kind for attack in plain.attacks} == set(Kind)
    assert plain.parity is not None
    assert plain.parity.holds
    assert plain.parity.transferred.count == plain.parity.transferred.total > 20
    rates = [point.robust.rate for point in plain.curve]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0
    assert plain.distances is not None
    assert 0 < plain.distances.p10 <= plain.distances.median <= plain.distances.p90
    assert len(plain.examples) == 6


def test_a_masked_network_is_unreliable_however_robust_it_looks(masked: ThreatResult) -> None:
    by_gradient = [attack for attack in masked.attacks if attack.kind is Kind.WHITE_BOX]
    assert min(attack.robust.rate for attack in by_gradient) >= 0.9
    assert masked.verdict is Verdict.UNRELIABLE
    assert not masked.holds
    for name in ("zero gradients", "black box beats white box", "success does not rise with epsilon", "softmax saturation"):
        assert status(masked, name) is CheckStatus.RAISED, name


def test_rounding_alone_shows_as_zero_gradients(digits: Digits, standard: DigitsNetwork) -> None:
    result = measured(digits, spoilt(standard, rounded), BRIEF)
    assert status(result, "zero gradients") is CheckStatus.RAISED
    assert status(result, "softmax saturation") is CheckStatus.CLEAR
    assert result.verdict is Verdict.UNRELIABLE


def test_dropout_that_was_left_on_shows_as_randomness(digits: Digits, standard: DigitsNetwork) -> None:
    result = measured(digits, spoilt(standard, lambda x: torch.nn.functional.dropout(x, 0.1, training=True)), BRIEF)
    assert status(result, "randomness") is CheckStatus.RAISED
    assert result.verdict is Verdict.UNRELIABLE


def test_a_plain_softmax_is_noted_and_attacked_as_well_as_logits(
    digits: Digits, standard: DigitsNetwork, plain: ThreatResult
) -> None:
    soft = measured(digits, spoilt(standard, back=lambda z: torch.softmax(z, dim=1)))
    assert status(soft, "softmax saturation") is CheckStatus.NOTED
    assert soft.verdict is Verdict.PASS
    assert soft.worst is not None
    assert plain.worst is not None
    assert abs(soft.worst.count - plain.worst.count) <= 2


def test_a_wrong_conversion_breaks_parity(digits: Digits, standard: DigitsNetwork) -> None:
    result = both(digits, standard, plan=BRIEF, wrong=0.3)
    assert result.parity is not None
    assert not result.parity.holds
    assert result.parity.flips.count > 5
    assert result.verdict is Verdict.FAIL


def test_the_floor_is_held_against_the_lower_bound(digits: Digits, hardened: DigitsNetwork) -> None:
    result = both(digits, hardened, Trial(LINF, Gates(floor=0.25)))
    assert result.worst is not None
    assert result.verdict is Verdict.PASS
    gate = next(gate for gate in result.gates if gate.name == "floor")
    assert gate.bound < result.worst.rate
    assert gated(result, Gates(floor=(gate.bound + result.worst.rate) / 2)).verdict is Verdict.FAIL


def test_the_ceiling_tells_attacks_that_have_lost_their_teeth(plain: ThreatResult, masked: ThreatResult) -> None:
    assert gated(plain, Gates(ceiling=0.45)).verdict is Verdict.PASS
    assert gated(masked, Gates(ceiling=0.45)).verdict is Verdict.FAIL


def test_the_same_seed_gives_the_same_figures(digits: Digits, standard: DigitsNetwork, plain: ThreatResult) -> None:
    def figures(result: ThreatResult) -> object:
        return encode(replace(result, seconds=0.0, attacks=tuple(replace(attack, seconds=0.0) for attack in result.attacks)))

    assert figures(both(digits, standard)) == figures(plain)


def test_every_norm_is_a_test_of_its_own(digits: Digits, standard: DigitsNetwork, plain: ThreatResult) -> None:
    """Each with its own size, sweep and gates; the one does not change what the other finds."""
    seen: list[tuple[int, int]] = []
    options = Options(plan=QUICK, progress=lambda done, total, what: seen.append((done, total)))  # noqa: ARG005
    trials = (Trial(LINF), Trial(L2, Gates(floor=0.9)))
    report = run_robustness_test(Sides(session_of(standard), standard, "z"), digits.samples(40), trials, options)
    linf, l2 = report.results
    assert (linf.threat.norm, l2.threat.norm) == ("linf", "l2")
    assert linf.worst == plain.worst
    assert linf.curve == plain.curve
    assert {attack.norm for attack in l2.attacks} == {"l2"}
    assert max(attack.reach for attack in l2.attacks) <= 0.8 + 1e-5
    assert L2.epsilon in [point.epsilon for point in l2.curve]
    assert [gate.name for gate in linf.gates] == ["conversion parity"]
    assert (linf.verdict, l2.verdict, report.verdict) == (Verdict.PASS, Verdict.FAIL, Verdict.FAIL)
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_model_that_classifies_nothing_gives_no_result(digits: Digits, standard: DigitsNetwork) -> None:
    wrong = replace(digits, test_labels=(standard(torch.from_numpy(digits.test_images))["z"].argmin(dim=1)).numpy())
    result = measured(wrong, standard)
    assert result.verdict is Verdict.ERROR
    assert "nothing to break" in result.error


def test_a_runtime_that_fails_under_attack_is_an_error_and_no_pass(digits: Digits, standard: DigitsNetwork) -> None:
    run, calls = session_of(standard), iter(range(5))

    def failing(feeds: dict[str, np.ndarray]) -> object:  # type: ignore[type-arg]
        if next(calls, None) is None:
            raise BackendError("out of memory")
        return run(feeds)

    sides = Sides(failing, standard, "z")  # type: ignore[arg-type]
    report = run_robustness_test(sides, digits.samples(40), (Trial(LINF),), Options(plan=QUICK))
    assert report.verdict is Verdict.ERROR
    assert "out of memory" in report.results[0].error


def test_an_output_that_the_model_does_not_have_is_refused(digits: Digits, standard: DigitsNetwork) -> None:
    sides = Sides(session_of(standard), standard, "y")
    with pytest.raises(InvalidOptionError, match="no output 'y'; it has z"):
        run_robustness_test(sides, digits.samples(5), (Trial(LINF),), Options(plan=QUICK))


def test_a_test_without_a_threat_is_refused(digits: Digits, standard: DigitsNetwork) -> None:
    with pytest.raises(InvalidOptionError, match="no threat"):
        run_robustness_test(Sides(session_of(standard), standard, "z"), digits.samples(5), (), Options(plan=QUICK))
