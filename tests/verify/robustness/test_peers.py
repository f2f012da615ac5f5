"""Other people's attacks on the same network: ours find no less."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.verify.robustness.digits import Digits
from tests.verify.robustness.networks import DigitsNetwork
from verify.robustness.attacks.apgd import apgd_ce, apgd_t
from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.threat import Norm, Threat

pytestmark = pytest.mark.slow
LINF = Threat(Norm.LINF, 0.15, 0.0, 1.0)
L2 = Threat(Norm.L2, 0.8, 0.0, 1.0)


@pytest.mark.filterwarnings("ignore")
def test_pgd_is_no_weaker_than_that_of_the_adversarial_robustness_toolbox(digits: Digits, standard: DigitsNetwork) -> None:
    evasion = pytest.importorskip("art.attacks.evasion")
    classification = pytest.importorskip("art.estimators.classification")

    class Logits(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return standard(x)["z"]

    x, labels = digits.test_images[:100], digits.test_labels[:100]
    loss = torch.nn.CrossEntropyLoss()
    wrapped = classification.PyTorchClassifier(
        Logits(), loss=loss, input_shape=(1, 8, 8), nb_classes=10, clip_values=(0.0, 1.0), device_type="cpu"
    )
    theirs = evasion.ProjectedGradientDescent(
        wrapped, eps=0.15, eps_step=0.15 / 16, max_iter=40, num_random_init=1, verbose=False, batch_size=100
    ).generate(x, labels)
    ours = pgd(
        lambda point, rows: standard(point)["z"],  # noqa: ARG005
        torch.from_numpy(x),
        torch.from_numpy(labels),
        LINF,
        PgdSettings(40),
    ).numpy()

    def left(moved: np.ndarray) -> float:  # type: ignore[type-arg]
        return float((standard(torch.from_numpy(moved))["z"].argmax(dim=1).numpy() == labels).mean())

    assert left(ours) <= left(theirs) + 0.05


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("threat", [LINF, L2], ids=["linf", "l2"])
@pytest.mark.parametrize("name", ["standard", "hardened"])
def test_auto_pgd_decides_as_the_reference_does(
    name: str, threat: Threat, digits: Digits, request: pytest.FixtureRequest
) -> None:
    autoattack = pytest.importorskip("pyautoattack")
    network = request.getfixturevalue(name)
    x, labels = torch.from_numpy(digits.test_images[:100]), torch.from_numpy(digits.test_labels[:100])
    norm = "Linf" if threat.norm is Norm.LINF else "L2"
    attack = autoattack.AutoAttack(
        lambda point: network(point)["z"],
        attacks=["apgd-ce", "apgd-t"],
        device="cpu",
        eps=threat.epsilon,
        norm=norm,
        seed=0,
        version="custom",
    )
    found = attack.run_standard_evaluation(x, labels, batch_size=100)
    found = found[0] if isinstance(found, tuple) else found
    theirs = float((network(found)["z"].argmax(dim=1) == labels).double().mean())
    standing = torch.ones(100, dtype=torch.bool)
    for ours in (apgd_ce, apgd_t):
        moved = ours(lambda point, rows: network(point)["z"], x, labels, threat)  # noqa: ARG005
        standing &= network(moved)["z"].argmax(dim=1) == labels
    assert abs(float(standing.double().mean()) - theirs) <= 0.02
