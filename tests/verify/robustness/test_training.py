"""The stored networks are what training makes, and adversarial training is worth what it is said to be."""

from __future__ import annotations

import pytest
import torch

from tests.verify.robustness.digits import Digits
from tests.verify.robustness.networks import DigitsNetwork, hardening, train
from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.losses import Loss
from verify.robustness.threat import Norm, Threat


def left(network: DigitsNetwork, digits: Digits) -> float:
    """The share of a hundred samples that withstands PGD-40 with either loss at 0.15."""
    x, labels = torch.from_numpy(digits.test_images[:100]), torch.from_numpy(digits.test_labels[:100])
    threat, standing = Threat(Norm.LINF, 0.15, 0.0, 1.0), torch.ones(100, dtype=torch.bool)
    for loss in Loss:
        moved = pgd(lambda point, rows: network(point)["z"], x, labels, threat, PgdSettings(40, loss=loss))  # noqa: ARG005
        standing &= network(moved)["z"].argmax(dim=1) == labels
    return float(standing.double().mean())


def test_the_stored_networks_are_as_robust_as_they_are_called(
    digits: Digits, standard: DigitsNetwork, hardened: DigitsNetwork
) -> None:
    assert left(standard, digits) <= 0.20
    assert left(hardened, digits) >= 0.55


@pytest.mark.slow
def test_training_again_gives_networks_as_robust(digits: Digits) -> None:
    assert left(train(digits, epochs=16), digits) <= 0.25
    assert left(train(digits, epochs=16, adversary=hardening), digits) >= 0.5
