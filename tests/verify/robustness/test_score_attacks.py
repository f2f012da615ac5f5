from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.verify.robustness.digits import Digits
from tests.verify.robustness.networks import DigitsNetwork, session_of
from verify.robustness.attacks.noise import noise
from verify.robustness.attacks.scores import Array, margins
from verify.robustness.attacks.square import SquareSettings, square
from verify.robustness.attacks.surrogate import train_surrogate
from verify.robustness.attacks.transfer import transfer
from verify.robustness.smallest import shortened, sizes
from verify.robustness.targets import ServedTarget
from verify.robustness.threat import Norm, Threat

LINF = Threat(Norm.LINF, 0.15, 0.0, 1.0)
L2 = Threat(Norm.L2, 0.8, 0.0, 1.0)


def served(digits: Digits, network: DigitsNetwork, count: int = 50) -> ServedTarget:
    return ServedTarget(session_of(network), digits.samples(count), "z")


def left(target: ServedTarget, moved: Array) -> float:
    return float(target.right(moved).mean())


def test_square_breaks_the_served_session_with_500_queries(digits: Digits, standard: DigitsNetwork) -> None:
    target = served(digits, standard)
    found = square(target, target.samples.x, target.samples.labels, LINF, SquareSettings(500))
    assert left(target, found.adversarial) <= 0.40
    assert found.queries.max() <= 500
    assert np.abs(found.adversarial - target.samples.x).max() <= 0.15 + 1e-6
    assert found.adversarial.min() >= 0
    assert found.adversarial.max() <= 1


def test_square_asks_no_more_about_a_sample_that_is_broken(digits: Digits, standard: DigitsNetwork) -> None:
    target = served(digits, standard)
    found = square(target, target.samples.x, target.samples.labels, LINF, SquareSettings(200))
    assert target.asked == int(found.queries.sum())
    assert found.queries.min() < 50


def test_square_in_the_euclidean_ball(digits: Digits, standard: DigitsNetwork) -> None:
    target = served(digits, standard)
    found = square(target, target.samples.x, target.samples.labels, L2, SquareSettings(300))
    assert sizes(found.adversarial, target.samples.x, Norm.L2).max() <= 0.8 + 1e-6
    assert left(target, found.adversarial) <= 0.7


def test_square_is_the_same_for_the_same_seed(digits: Digits, standard: DigitsNetwork) -> None:
    target = served(digits, standard, 10)
    runs = [square(target, target.samples.x, target.samples.labels, LINF, SquareSettings(50), seed=s) for s in (4, 4, 5)]
    assert np.array_equal(runs[0].adversarial, runs[1].adversarial)
    assert not np.array_equal(runs[0].adversarial, runs[2].adversarial)


@pytest.mark.parametrize("shape", [(6, 40), (6, 10, 4), (6, 3, 8, 8), (6, 1, 1, 1)], ids=str)
@pytest.mark.parametrize("threat", [LINF, L2], ids=["linf", "l2"])
def test_square_moves_vectors_sequences_and_images(shape: tuple[int, ...], threat: Threat) -> None:
    x = np.random.default_rng(0).uniform(0.2, 0.8, shape).astype(np.float32)
    weights = np.random.default_rng(1).standard_normal((int(np.prod(shape[1:])), 3))
    labels = (x.reshape(6, -1) @ weights).argmax(axis=1)
    found = square(lambda x, rows: x.reshape(len(rows), -1) @ weights, x, labels, threat, SquareSettings(60), mask=np.ones(shape))
    assert found.adversarial.shape == shape
    assert sizes(found.adversarial, x, threat.norm).max() <= threat.epsilon + 1e-5
    assert sizes(found.adversarial, x, threat.norm).max() > 0


def test_windows_shrink_over_the_queries_there_are() -> None:
    assert SquareSettings(500).share(499) < SquareSettings(500, rescale=False).share(499)
    assert SquareSettings(5000).share(4999) == SquareSettings(5000, rescale=False).share(4999)


def test_noise_is_a_control_that_breaks_little(digits: Digits, standard: DigitsNetwork) -> None:
    target = served(digits, standard)
    assert left(target, noise(target, target.samples.x, target.samples.labels, LINF)) >= 0.6


def test_examples_of_a_surrogate_break_samples(digits: Digits, standard: DigitsNetwork) -> None:
    target = served(digits, standard)
    moved = transfer(target, target.samples.x, target.samples.labels, LINF)
    assert np.abs(moved - target.samples.x).max() <= 0.15 + 1e-6
    assert left(target, moved) <= left(target, target.samples.x) - 0.05


def test_examples_are_shortened_to_where_they_still_break(digits: Digits, standard: DigitsNetwork) -> None:
    target = served(digits, standard)
    moved = square(target, target.samples.x, target.samples.labels, Threat(Norm.LINF, 0.5, 0, 1), SquareSettings(200)).adversarial
    assert not target.right(moved).any()
    least = shortened(target, moved, target.samples.x, target.samples.labels, Norm.LINF)
    assert (least <= 0.5 + 1e-6).all()
    assert np.median(least) < 0.45


def test_scores_that_are_no_numbers_count_as_misclassified() -> None:
    assert margins(np.array([[np.nan, 1.0], [3.0, 1.0]]), np.array([0, 0])).tolist() == [-np.inf, 2.0]


@pytest.mark.slow
def test_the_surrogate_is_trained_as_the_library_of_pytorch_would() -> None:
    torch.manual_seed(0)
    points, answers = torch.randn(60, 5), torch.randint(3, (60,))
    ours = train_surrogate(points, answers, steps=40, seed=3)
    torch.manual_seed(3)
    theirs = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(5, 256), torch.nn.ReLU(), torch.nn.Linear(256, 3))
    adam = torch.optim.Adam(theirs.parameters(), lr=2e-3, weight_decay=1e-4)
    for _ in range(40):
        batch = torch.randint(60, (128,))
        adam.zero_grad()
        torch.nn.functional.cross_entropy(theirs(points[batch]), answers[batch]).backward()  # type: ignore[no-untyped-call]
        adam.step()
    with torch.no_grad():
        assert float((ours(points) - theirs(points)).abs().max()) < 1e-4
