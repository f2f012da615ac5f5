from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidOptionError
from bridge.harden.samples import Samples
from bridge.harden.smoothing.bounds import ceiling, certified_radius, lower_bound
from bridge.harden.smoothing.certificate import ABSTAIN, Certificate, Smoothing, certify, certify_all, count_votes, vote
from bridge.harden.smoothing.certifying import certify_samples
from bridge.harden.smoothing.page import render_page
from bridge.harden.smoothing.summary import Certification, CertificationReport
from verify.robustness.samples import mask_of_lengths

Array = npt.NDArray[Any]
WEIGHTS = np.asarray([1.0, -2.0, 0.5, 3.0], np.float32)
LENGTH = float(np.linalg.norm(WEIGHTS))


def linear(batch: Array) -> Array:
    """Two classes apart at a plane: the smoothed classifier is the classifier, and its radius the distance to the plane."""
    score = batch @ WEIGHTS
    return np.stack([score, -score], axis=1)


# The quantiles of the beta distribution as scipy.stats.beta.ppf(alpha, votes, samples - votes + 1) gives them.
@pytest.mark.parametrize(
    ("votes", "samples", "alpha", "expected"),
    [
        (1, 1, 0.05, 0.05),
        (50, 100, 0.05, 0.41362171463091174),
        (99, 100, 0.001, 0.9113731112960424),
        (990, 1000, 0.001, 0.9760361871553114),
        (1000, 1000, 0.001, 0.9931160484209338),
        (5, 1000, 0.001, 0.0007405799095148606),
        (73000, 100000, 0.001, 0.7256412173110502),
        (99900, 100000, 1e-6, 0.998438885564156),
        (1, 100000, 0.001, 1.000500328578529e-08),
        (3, 7, 0.4, 0.3205858305642005),
        (0, 10, 0.05, 0.0),
    ],
)
def test_the_bound_of_clopper_and_pearson_agrees_with_scipy(votes: int, samples: int, alpha: float, expected: float) -> None:
    assert lower_bound(votes, samples, alpha) == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize(("votes", "samples", "alpha"), [(-1, 5, 0.1), (6, 5, 0.1), (0, 0, 0.1), (1, 2, 0.0), (1, 2, 1.0)])
def test_counts_that_make_no_sense_are_refused(votes: int, samples: int, alpha: float) -> None:
    with pytest.raises(ValueError, match="votes"):
        lower_bound(votes, samples, alpha)


def test_the_ceiling_is_what_no_certificate_can_exceed() -> None:
    assert ceiling(1000, 0.25, 0.001) == pytest.approx(0.6158, abs=1e-4)
    smoothing = Smoothing(0.25, 10, 1000, 0.001)
    far = certify(linear, WEIGHTS * 100, smoothing, np.random.default_rng(0))
    assert far.votes == 1000
    assert far.radius == pytest.approx(smoothing.ceiling, abs=1e-12)


def test_half_the_votes_certify_nothing() -> None:
    assert certified_radius(0.5, 1.0) == 0
    assert certified_radius(0.4, 1.0) == 0
    assert certified_radius(0.8413447460685429, 2.0) == pytest.approx(2.0, abs=1e-9)


def test_certified_radii_of_a_linear_model_stay_below_the_true_ones_as_often_as_promised() -> None:
    alpha = 0.1
    samples = np.random.default_rng(5).normal(0, 0.25, (400, 4)).astype(np.float32)
    found = list(certify_all(linear, samples, Smoothing(0.3, 20, 200, alpha), seed=1))
    true = np.abs(samples @ WEIGHTS) / LENGTH
    labels = linear(samples).argmax(axis=1)
    certified = [(item, radius, label) for item, radius, label in zip(found, true, labels, strict=True) if item.label != ABSTAIN]
    wrong = sum(item.radius > radius or item.label != label for item, radius, label in certified)
    assert len(certified) > 200
    # Of 400 independent certificates at alpha 0.1, 61 or more are wrong with probability 1e-4 at most.
    assert wrong <= 60
    # And they are no empty promise: the greater part of the true distance is certified where votes allow it.
    inside = [(item.radius, radius) for item, radius, _ in certified if 0.1 < radius < 0.3]
    assert np.mean([got / radius for got, radius in inside]) > 0.6


def test_a_sample_on_the_boundary_is_abstained_from() -> None:
    found = certify(linear, np.zeros(4, np.float32), Smoothing(0.5, 50, 500, 0.001), np.random.default_rng(0))
    assert (found.label, found.radius) == (ABSTAIN, 0.0)
    assert vote(linear, np.zeros(4, np.float32), Smoothing(0.5, 50, 500, 0.001), np.random.default_rng(0)) == ABSTAIN
    assert vote(linear, WEIGHTS, Smoothing(0.5, 50, 500, 0.001), np.random.default_rng(0)) == 0


def test_every_copy_is_counted_once_whatever_the_batches() -> None:
    sizes = []

    def remembering(batch: Array) -> Array:
        sizes.append(len(batch))
        return linear(batch)

    counts = count_votes(remembering, WEIGHTS, Smoothing(1.0, batch=64), 150, np.random.default_rng(0))
    assert counts.sum() == 150
    assert sizes == [64, 64, 22]


def test_scores_that_are_not_a_number_win_no_votes() -> None:
    def broken(batch: Array) -> Array:
        return np.stack([np.full(len(batch), np.nan), np.zeros(len(batch))], axis=1)

    assert count_votes(broken, WEIGHTS, Smoothing(1.0), 50, np.random.default_rng(0)).tolist() == [0, 50]


def test_a_certificate_depends_on_its_sample_and_the_seed_alone() -> None:
    samples = np.random.default_rng(5).normal(0, 0.3, (6, 4)).astype(np.float32)
    smoothing = Smoothing(0.3, 20, 100, 0.01)
    whole = list(certify_all(linear, samples, smoothing, seed=3))
    assert whole[:2] == list(certify_all(linear, samples[:2], smoothing, seed=3))
    assert whole != list(certify_all(linear, samples, smoothing, seed=4))


def test_certified_accuracy_falls_with_the_radius_and_counts_true_classes_alone() -> None:
    held = [Certificate(1, 0.4, 99, 100, 0.9), Certificate(0, 0.9, 99, 100, 0.9), Certificate(ABSTAIN, 0.0, 50, 100, 0.4)]
    summary = Certification(Smoothing(0.5), (1, 1, 1), tuple(held), 1.5)
    assert [summary.accuracy(radius) for radius in (0, 0.3, 0.4, 0.5)] == [1 / 3, 1 / 3, 1 / 3, 0]
    wider = Certification(Smoothing(1.0), (1, 1, 1), tuple(held[:1] + held[2:] * 2), 1.5)
    report = CertificationReport("a" * 64, 0, 0.5, (summary, wider))
    document = json.loads(json.dumps(report.to_json()))
    assert [curve["abstentions"] for curve in document["curves"]] == [1, 2]
    assert [curve["ceiling"] for curve in document["curves"]] == [summary.smoothing.ceiling, wider.smoothing.ceiling]
    assert document["model_sha256"] == "a" * 64
    points = document["curves"][0]["certified_accuracy"]
    assert [point["accuracy"] for point in points] == sorted((point["accuracy"] for point in points), reverse=True)
    assert points[0]["radius"] == 0
    assert points[0]["lower"] < 1 / 3 < points[0]["upper"]
    assert points[-1]["radius"] == pytest.approx(wider.smoothing.ceiling, abs=1e-6)
    assert points[-1]["radius"] <= wider.smoothing.ceiling
    assert points[-1]["accuracy"] == 0.0
    assert "certificates" not in json.dumps(report.to_summary()["curves"])


def test_the_page_draws_a_line_for_each_noise_and_ends_it_at_what_its_votes_can_prove() -> None:
    held = (Certificate(1, 0.4, 99, 100, 0.9), Certificate(ABSTAIN, 0.0, 50, 100, 0.4))
    curves = tuple(Certification(Smoothing(sigma), (1, 1), held, 2.0) for sigma in (0.25, 0.5, 1.0))
    text = render_page(CertificationReport("c" * 64, 7, 0.5, curves), "<digits>")
    assert text.count("<polyline") == text.count("<polygon") == 3
    assert "&lt;digits&gt;" in text
    assert "<script" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    ends = [float(line.split('"')[1].split()[-1].split(",")[0]) for line in text.split("<polyline points=")[1:]]
    assert ends == pytest.approx([25.0, 50.0, 100.0], abs=0.01)
    assert "c" * 64 in text


def test_certificates_of_samples_with_further_inputs_ask_about_each_with_its_own_and_leave_padding_alone() -> None:
    asked = []

    def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        asked.append(feeds)
        score = feeds["x"].sum(axis=(1, 2)) * feeds["weight"]
        return {"z": np.stack([score, -score], axis=1)}

    x = np.ones((2, 3, 2), np.float32)
    x[0, 1:] = 0
    mask = mask_of_lengths(np.asarray([1, 3]), x.shape).repeat(2, axis=2)
    samples = Samples(x, np.asarray([0, 1]), {"weight": np.asarray([1.0, -1.0], np.float32)}, mask)
    told: list[int] = []
    (found,) = certify_samples(
        run, samples, ("x", "z"), [Smoothing(0.1, 20, 200)], seed=3, progress=lambda *said: told.append(said[0])
    )
    assert [certificate.label for certificate in found.certificates] == [0, 1]
    assert told == [1, 2]
    assert {float(feeds["weight"][0]) for feeds in asked} == {1.0, -1.0}
    assert not any((feeds["x"][:, 1:] != 0).any() for feeds in asked if feeds["weight"][0] == 1)
    assert all((np.std(feeds["x"][:, 0], axis=0) > 0).all() for feeds in asked)


@pytest.mark.parametrize(
    "settings", [{"sigma": 0.0}, {"sigma": 1.0, "alpha": 0.5}, {"sigma": float("nan")}, {"sigma": 1, "batch": 0}]
)
def test_smoothing_that_cannot_be_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionError, match="smoothing"):
        Smoothing(**settings)
