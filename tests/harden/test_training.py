from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from bridge.errors import InvalidOptionError
from bridge.harden.classifier import Classifier, logits_of, tensors
from bridge.harden.evaluation import evaluate
from bridge.harden.methods import apply_method
from bridge.harden.objectives import noise, objective_of, plain
from bridge.harden.options import Method, Training
from bridge.harden.perturbation import ascend, one_step
from bridge.harden.samples import Samples
from bridge.harden.training import train
from tests.harden.digits import EPSILON, QUICK, digits, some_digits, subject, twin
from verify.robustness.attacks.gradient import GradientTarget
from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.losses import Loss
from verify.robustness.threat import Norm


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def network() -> Classifier:
    return Classifier(twin().module(), "image", "z")


@pytest.mark.slow
def test_adversarially_trained_digits_withstand_what_the_plain_network_does_not() -> None:
    made = subject()
    training = Training(EPSILON, 0.0, 1.0, epochs=12, batch=32, learning_rate=3e-3, steps=5, step=0.4, reach=4 / 3)
    test = made.split.test.at(np.arange(0, len(made.split.test), 3))
    before = evaluate(made.classifier(), test, training, steps=40, seed=1)
    trained = apply_method(Method.PGD_AT, made, training)
    after = evaluate(Classifier(trained.network.module(), "image", "z"), test, training, steps=40, seed=1)
    assert before.robust <= 0.20
    assert after.robust >= 0.55
    assert after.clean >= 0.88


@pytest.mark.parametrize("method", [Method.PGD_AT, Method.FAST, Method.TRADES])
def test_an_epoch_of_each_method_makes_the_network_withstand_more(method: Method) -> None:
    made = subject(some_digits(500))
    training = replace(QUICK, learning_rate=3e-3, batch=32, epochs=2)
    before = evaluate(made.classifier(), made.split.test, training, steps=10, seed=1)
    trained = apply_method(method, made, training)
    after = evaluate(Classifier(trained.network.module(), "image", "z"), made.split.test, training, steps=10, seed=1)
    assert after.robust > before.robust + 0.05


def test_the_same_seed_gives_the_same_weights() -> None:
    made = subject(some_digits(200))
    logits = [
        logits_of(
            Classifier(apply_method(Method.FAST, made, replace(QUICK, seed=seed)).network.module(), "image", "z"), digits().x[:5]
        )
        for seed in (3, 3, 4)
    ]
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_training_stops_when_the_measure_does_not_rise_and_keeps_the_best_epoch() -> None:
    made = subject(some_digits(200))
    classifier = made.classifier()
    told = iter([0.1, 0.2, 0.5, 0.4, 0.3, 0.3, 0.3, 0.3])
    states = []

    def measure(found: Classifier) -> float:
        states.append({name: tensor.clone() for name, tensor in found.state_dict().items()})
        return next(told)

    training = replace(QUICK, epochs=20, patience=3)
    history = train(classifier, made.split.training, plain, measure, training)
    assert (history.best, len(history.epochs), history.stopped_early) == (1, 5, True)
    assert all(torch.equal(tensor, states[2][name]) for name, tensor in classifier.state_dict().items())
    assert not classifier.training


def test_a_training_that_never_helps_leaves_the_model_as_it_was() -> None:
    made = subject(some_digits(200))
    classifier = made.classifier()
    before = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
    history = train(classifier, made.split.training, plain, lambda _: 0.5, replace(QUICK, epochs=2))
    assert history.best == -1
    assert all(torch.equal(tensor, before[name]) for name, tensor in classifier.state_dict().items())


def test_dropout_stays_off_unless_it_is_asked_for() -> None:
    seen = []

    def objective(classifier: Classifier, x: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        # An attack in the midst of it puts back what it found.
        one_step(classifier, x, labels, QUICK, generator)
        seen.append([module.training for module in classifier.modules() if isinstance(module, torch.nn.Dropout)])
        return plain(classifier, x, labels, generator)

    made = subject(some_digits(200))
    for dropout in (False, True):
        train(made.classifier(), made.split.training, objective, lambda _: 0.0, replace(QUICK, dropout=dropout))
    assert [False] in seen
    assert [True] in seen
    assert seen[0] == [False]


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    made = subject(some_digits(200))
    with pytest.raises(InvalidOptionError, match="learning rate"):
        train(made.classifier(), made.split.training, plain, lambda _: 0.0, replace(QUICK, learning_rate=1e30, epochs=3))


@pytest.mark.parametrize("norm", [Norm.LINF, Norm.L2])
def test_points_of_training_stay_in_the_ball_and_the_box_and_raise_the_loss(norm: Norm) -> None:
    x, labels = tensors(some_digits(64))
    training = replace(QUICK, norm=norm, epsilon=0.2 if norm is Norm.LINF else 1.0, steps=5, step=0.4)
    point = ascend(network(), x, labels, training, torch.Generator().manual_seed(0))
    delta = (point - x).flatten(1)
    reached = delta.abs().amax(dim=1) if norm is Norm.LINF else delta.norm(dim=1)
    assert float(reached.max()) <= training.epsilon + 1e-6
    assert float(point.min()) >= -1e-6
    assert float(point.max()) <= 1 + 1e-6
    losses = [torch.nn.functional.cross_entropy(network()(value), labels) for value in (x, point)]
    assert float(losses[1].detach()) > 10 * float(losses[0].detach())


@pytest.mark.parametrize("norm", [Norm.LINF, Norm.L2])
def test_what_lies_behind_an_end_is_moved_neither_by_an_attack_nor_by_noise(norm: Norm) -> None:
    few = some_digits(8)
    mask = np.ones_like(few.x)
    mask[:, :, 4:] = 0
    masked = network().beside(replace(few, mask=mask))
    x, labels = tensors(few)
    generator = torch.Generator().manual_seed(0)
    moved = (ascend(masked, x, labels, replace(QUICK, norm=norm), generator) - x).abs().amax(dim=(0, 1, 3))
    assert bool((moved[:4] > 0).all())
    assert not moved[4:].any()
    seen = []

    class Watching(Classifier):
        def forward(self, x: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            seen.append(x.detach())
            return super().forward(x, rows)

    watching = Watching(masked.module, "image", "z", mask=masked.mask)
    noise(QUICK)(watching, x, labels, generator)
    assert not (seen[0] - x)[:, :, 4:].any()
    assert bool((seen[0] - x)[:, :, :4].any())


def test_reach_makes_the_lesson_harder_than_the_test() -> None:
    training = replace(QUICK, reach=1.5)
    assert training.lesson.epsilon == pytest.approx(0.225)
    assert training.threat.epsilon == EPSILON


def standing_after(classifier: Classifier, samples: Samples, attack: GradientTarget, settings: PgdSettings) -> float:
    """The share of samples that ``classifier`` has right at the points that were found by attacking ``attack``."""
    x, labels = tensors(samples)
    point = pgd(attack, x, labels, QUICK.threat, settings, seed=1)
    return float((logits_of(classifier, point.numpy()).argmax(axis=1) == samples.y).mean())


def cooled(classifier: Classifier, temperature: float) -> GradientTarget:
    def target(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = classifier(x, rows)
        return logits / temperature

    return target


def test_logits_of_a_high_temperature_hide_gradients_from_cross_entropy_and_from_nothing_else() -> None:
    # What distillation comes to, without the training: the network of before with logits a thousand times as large.
    class Hot(Classifier):
        def forward(self, x: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            return 1000 * super().forward(x, rows)

    hot, test = Hot(twin().module(), "image", "z"), some_digits(100)
    naive = standing_after(hot, test, hot, PgdSettings(steps=20, random=False))
    assert naive >= 0.8
    assert standing_after(hot, test, cooled(hot, 1000), PgdSettings(steps=20)) <= 0.25
    assert standing_after(hot, test, hot, PgdSettings(steps=20, loss=Loss.MARGIN)) <= 0.3


@pytest.mark.slow
def test_a_distilled_network_only_seems_to_withstand_and_falls_when_its_logits_are_divided_by_the_temperature() -> None:
    made = subject()
    training = Training(EPSILON, 0.0, 1.0, epochs=8, batch=32, learning_rate=5e-3, temperature=20.0)
    student = Classifier(apply_method(Method.DISTILLATION, made, training).network.module(), "image", "z")
    test = made.split.test.at(np.arange(0, len(made.split.test), 4))
    clean = (logits_of(student, test.x).argmax(axis=1) == test.y).mean()
    assert clean >= 0.8
    naive = standing_after(student, test, student, PgdSettings(steps=20, random=False))
    informed = standing_after(student, test, cooled(student, training.temperature), PgdSettings(steps=40))
    assert informed <= 0.15
    assert naive >= informed + 0.15


def test_distillation_says_that_it_does_not_hold() -> None:
    assert not Method.DISTILLATION.holds
    with pytest.raises(InvalidOptionError, match="teacher"):
        objective_of(Method.DISTILLATION, QUICK)


@pytest.mark.parametrize("change", [{"epochs": 0}, {"learning_rate": 0.0}, {"members": 1}, {"epsilon": -1.0}, {"high": 0.0}])
def test_trainings_that_cannot_be_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidOptionError):
        replace(QUICK, **change)  # type: ignore[arg-type]
