from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.verify.robustness.digits import Digits
from tests.verify.robustness.networks import DigitsNetwork
from verify.robustness.attacks.apgd import ApgdSettings, apgd_ce, apgd_t
from verify.robustness.attacks.fgsm import fgsm
from verify.robustness.attacks.gradient import GradientTarget, every_row, loss_gradient
from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.losses import Loss, cross_entropy, margin
from verify.robustness.projection import project
from verify.robustness.threat import Norm, Threat

LINF = Threat(Norm.LINF, 0.15, 0.0, 1.0)
L2 = Threat(Norm.L2, 0.8, 0.0, 1.0)
Attack = Callable[[GradientTarget, Tensor, Tensor, Threat], Tensor]
_FEW = ApgdSettings(steps=20, aims=3)
ATTACKS: dict[str, Attack] = {
    "fgsm": fgsm,
    "pgd": lambda f, x, y, t: pgd(f, x, y, t, PgdSettings(20), seed=3),
    "pgd margin": lambda f, x, y, t: pgd(f, x, y, t, PgdSettings(10, 2, loss=Loss.MARGIN), seed=3),
    "apgd-ce": lambda f, x, y, t: apgd_ce(f, x, y, t, _FEW, seed=3),
    "apgd-t": lambda f, x, y, t: apgd_t(f, x, y, t, _FEW, seed=3),
}


def target(network: DigitsNetwork) -> GradientTarget:
    return lambda x, rows: network(x)["z"]  # noqa: ARG005


def some(digits: Digits, count: int = 100) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(digits.test_images[:count]), torch.from_numpy(digits.test_labels[:count])


def left(network: DigitsNetwork, moved: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return float((network(moved)["z"].argmax(dim=1) == labels).double().mean())


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("threat", [LINF, L2], ids=["linf", "l2"])
def test_examples_stay_in_the_ball_and_in_the_box(name: str, threat: Threat, digits: Digits, standard: DigitsNetwork) -> None:
    x, labels = some(digits, 40)
    moved = ATTACKS[name](target(standard), x, labels, threat)
    delta = (moved - x).flatten(1)
    reach = delta.abs().amax(dim=1) if threat.norm is Norm.LINF else delta.norm(dim=1)
    assert float(reach.max()) <= threat.epsilon + 1e-6
    assert float(moved.min()) >= -1e-6
    assert float(moved.max()) <= 1 + 1e-6


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_seed_gives_the_same_examples(name: str, digits: Digits, standard: DigitsNetwork) -> None:
    x, labels = some(digits, 20)
    first, second = (ATTACKS[name](target(standard), x, labels, LINF) for _ in range(2))
    assert torch.equal(first, second)


def test_another_seed_gives_other_examples(digits: Digits, standard: DigitsNetwork) -> None:
    x, labels = some(digits, 20)
    first, second = (pgd(target(standard), x, labels, LINF, seed=seed) for seed in (0, 1))
    assert not torch.equal(first, second)


def test_pgd_leaves_little_of_an_undefended_network(digits: Digits, standard: DigitsNetwork) -> None:
    x, labels = some(digits)
    assert left(standard, x, labels) >= 0.95
    assert left(standard, pgd(target(standard), x, labels, LINF, PgdSettings(40)), labels) <= 0.20


def test_auto_pgd_is_no_weaker_than_pgd(digits: Digits, standard: DigitsNetwork) -> None:
    x, labels = some(digits)
    by_pgd = left(standard, pgd(target(standard), x, labels, LINF, PgdSettings(40)), labels)
    moved = apgd_ce(target(standard), x, labels, LINF)
    broken = apgd_t(target(standard), x, labels, LINF, ApgdSettings(steps=50, aims=3))
    both = (standard(moved)["z"].argmax(dim=1) == labels) & (standard(broken)["z"].argmax(dim=1) == labels)
    assert float(both.double().mean()) <= by_pgd + 0.02


def test_the_gradient_does_not_pass_through_the_clipping_to_the_box(digits: Digits, standard: DigitsNetwork) -> None:
    """The classic fault: half of the pixels are 0, and a start below 0 would have no gradient there."""
    x, labels = some(digits)

    def through_the_clamp() -> Tensor:
        delta = (2 * torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) - 1) * LINF.epsilon
        for _ in range(40):
            delta.requires_grad_()
            loss = cross_entropy(standard((x + delta).clamp(0, 1))["z"], labels).sum()
            (gradient,) = torch.autograd.grad(loss, [delta])
            delta = (delta.detach() + LINF.epsilon / 16 * gradient.sign()).clamp(-LINF.epsilon, LINF.epsilon)
        return (x + delta).clamp(0, 1)

    faulty = left(standard, through_the_clamp(), labels)
    ours = left(standard, pgd(target(standard), x, labels, LINF, PgdSettings(40)), labels)
    assert ours <= faulty - 0.05


def test_what_the_mask_takes_out_is_not_moved(digits: Digits, standard: DigitsNetwork) -> None:
    x, labels = some(digits, 20)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 4:] = 1
    for name, attack in (("pgd", pgd), ("fgsm", fgsm), ("apgd", apgd_ce)):
        moved = attack(target(standard), x, labels, LINF, mask=mask)  # type: ignore[operator]
        assert torch.equal(moved[..., :4], x[..., :4]), name
        assert not torch.equal(moved, x), name


def test_a_sample_outside_the_box_is_not_pulled_into_it() -> None:
    x = torch.tensor([[1.5, 0.5]])
    moved = project(x + torch.tensor([[1.0, 1.0]]), x, LINF)
    assert torch.allclose(moved, torch.tensor([[1.5, 0.65]]))


def test_a_network_without_a_path_has_a_gradient_of_zero() -> None:
    x = torch.ones(2, 3)
    found = loss_gradient(lambda x, rows: torch.zeros(len(x), 4), x, every_row(x), torch.tensor([0, 1]), margin)  # noqa: ARG005
    assert np.array_equal(found.gradient.numpy(), np.zeros((2, 3)))


def test_the_margin_is_positive_where_a_sample_is_misclassified() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0]])
    assert margin(logits, torch.tensor([0, 2])).tolist() == [-1.0, 4.0]
