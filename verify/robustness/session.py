"""A robustness test as it goes on: both sides on clean samples, every attack, the sweep, the checks, parity, the verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from verify.robustness.attacks.scores import Array
from verify.robustness.attempt import Attempt, Outcome
from verify.robustness.attempts import Attempts
from verify.robustness.checks.black_box import black_box
from verify.robustness.checks.randomness import randomness
from verify.robustness.checks.rising import rising
from verify.robustness.checks.saturation import saturation
from verify.robustness.checks.single_step import single_step
from verify.robustness.checks.zero_gradients import zero_gradients
from verify.robustness.document import Attack, Check, CurvePoint, Distances, Kind, Parity, Queries
from verify.robustness.parity import parity
from verify.robustness.plan import Plan, sweep_sizes
from verify.robustness.probabilities import are_probabilities
from verify.robustness.progress import Passes
from verify.robustness.samples import Samples
from verify.robustness.smallest import shortened, sizes
from verify.robustness.statistics import Share
from verify.robustness.targets import ServedTarget, TwinTarget, rightly
from verify.robustness.threat import Norm, Threat

_CHECKS = 24  # Passes that the checks take, about.
_SECOND_LOOK = 10  # Samples.


@dataclass(frozen=True, slots=True)
class Sweep:
    """Which samples stand at each size, and the examples that broke the others."""

    sizes: tuple[float, ...]
    standing: tuple[Array, ...]
    moved: tuple[Array, ...]


class Session:
    """One test of ``served`` with the gradients of ``twin``, which see the same samples. ``same`` where they are one model."""

    def __init__(
        self, served: ServedTarget, twin: TwinTarget, threat: Threat, plan: Plan, seed: int, passes: Passes, *, same: bool
    ) -> None:
        self._served, self._twin, self._threat, self._plan, self._same = served, twin, threat, plan, same
        self._samples = served.samples
        self._passes, self._seed = passes, seed
        self._everyone = np.arange(len(self._samples))
        self._clean = self._both(self._samples.x)
        self._clean_right = self._rightly(self._samples.x, self._clean)
        self._decisive = self._samples.decisive(self._clean[1], self._samples.x, self._everyone)
        served.probabilities = twin.probabilities = are_probabilities(self._decisive)
        self._attempts = Attempts(served, twin, threat, seed)
        self._planned = tuple(self._attempts.of_plan(plan))
        self._sizes = sweep_sizes(threat, int(np.prod(self._samples.x.shape[1:])))
        passes.expect(sum(each.passes for each in self._planned) + 3 * plan.sweep_steps * len(self._sizes) + _CHECKS)
        self.outcomes: list[Outcome] = []

    @property
    def samples(self) -> Samples:
        """Those that are attacked."""
        return self._samples

    @property
    def right(self) -> Array:
        """Which samples the served model classifies rightly as they are: ``(N,)``."""
        return self._clean_right[1]

    @property
    def clean(self) -> tuple[Share, Share]:
        """Accuracy of the twin and of the served model."""
        twin, served = (Share.of(int(right.sum()), len(self._samples)) for right in self._clean_right)
        return twin, served

    @property
    def steps_right(self) -> tuple[int, int]:
        """How many labelled steps the twin and the served model get right; 0 where samples are labelled as a whole."""
        twin, served = (self._samples.steps_right(outputs) for outputs in self._clean)
        return twin, served

    @property
    def classes(self) -> int:
        """How many the model tells apart."""
        return int(self._decisive.shape[1])

    def attack(self) -> None:
        """Run everything that is planned; ``outcomes`` holds it."""
        for attempt in self._planned:
            self._passes.announce(attempt.name, 0)
            self.outcomes.append(self._run(attempt))
            self._passes.announce(attempt.name, attempt.passes)
        white = [each for each in self.outcomes if each.attempt.kind is Kind.WHITE_BOX]
        doubtful = np.flatnonzero(self._standing(white) & ~self._standing(self.outcomes))
        # Few of them can be chance: gradients are given the time that they did not have. Many are a sign by themselves.
        if 0 < len(doubtful) <= _SECOND_LOOK:
            self.outcomes.append(self._run(self._attempts.again(doubtful)))

    def sweep(self) -> Sweep:
        """The served model against the quick attack at every size."""
        standing, moved = [self.right], []
        for size in self._sizes:
            self._passes.announce(f"sweep at {size:.3g}", 0)
            made = self._attempts.at_size(size, self._plan.sweep_steps).adversarial
            moved.append(made)
            standing.append(self.right & self._served.right(made))
            self._passes.announce("sweep", 3 * self._plan.sweep_steps)
        return Sweep((0.0, *self._sizes), tuple(standing), tuple(moved))

    def checks(self, sweep: Sweep) -> tuple[Check, ...]:
        """All signs of masking."""
        self._passes.announce("masking checks", 0)
        x, labels = self._twin.tensor(self._samples.x), torch.from_numpy(self._samples.aims)
        white = [each for each in self.outcomes if each.attempt.kind is Kind.WHITE_BOX]
        one = [each for each in white if each.attempt.name == "FGSM"]
        found = [
            zero_gradients(self._twin, x, labels),
            randomness(self._served, self._twin, self._samples.x),
            black_box(self._standing(white), self._standing(self.outcomes)),
            rising(sweep.sizes, sweep.standing, self._samples.labels, unbounded=self._threat.norm is not Norm.TOKENS),
            saturation(self._decisive, probabilities=self._served.probabilities),
        ]
        if one:
            found.append(single_step(self._standing(one), self._standing([each for each in white if each not in one])))
        self._passes.announce("masking checks", _CHECKS)
        return tuple(found)

    def parity(self) -> Parity | None:
        """Both sides compared; ``None`` where they are one and the same."""
        return None if self._same else parity(self.outcomes, self._clean, self._clean_right, self._samples.labels)

    def worst(self, sweep: Sweep) -> Share:
        """The samples that withstood everything, the sweep up to the size of the threat included."""
        found = self._standing(self.outcomes)
        for size, standing in zip(sweep.sizes, sweep.standing, strict=True):
            if size <= self._threat.epsilon:
                found = found & standing
        return Share.of(int(found.sum()), len(self._samples))

    def attacks(self) -> tuple[Attack, ...]:
        """The table of attacks."""
        return tuple(self._told(outcome) for outcome in self.outcomes)

    def curve(self, sweep: Sweep) -> tuple[CurvePoint, ...]:
        """Accuracy against size; at the size of the threat all attacks count, and the planned ones at any size beyond it."""
        points, so_far = [], np.ones(len(self._samples), bool)
        for size, standing in zip(sweep.sizes, sweep.standing, strict=True):
            so_far = so_far & standing
            if size >= self._threat.epsilon:
                so_far = so_far & self._standing(self.outcomes)
            count = len(self._samples)
            points.append(CurvePoint(size, Share.of(int(so_far.sum()), count), Share.of(int(standing.sum()), count)))
        return tuple(points)

    def distances(self, sweep: Sweep) -> Distances | None:
        """The smallest perturbations over everything that was tried: each sample's least."""
        least = np.full(len(self._samples), np.inf)
        for moved in (*sweep.moved, *(each.adversarial for each in self.outcomes)):
            rows = np.flatnonzero(self.right & ~self._served.right(moved))
            least[rows] = np.minimum(least[rows], self._shortened(moved, rows))
        return _percentiles(least[np.isfinite(least)])

    def _run(self, attempt: Attempt) -> Outcome:
        begun = time.perf_counter()
        made = attempt.make()
        seconds = time.perf_counter() - begun
        moved = made.adversarial
        outputs = self._both(moved)
        twin_right, served_right = self._rightly(moved, outputs)
        return Outcome(
            attempt,
            moved,
            made.queries,
            served_right=served_right & self.right,
            twin_right=twin_right & self._clean_right[0],
            served_outputs=outputs[1],
            twin_outputs=outputs[0],
            twin_decisive=self._samples.decisive(outputs[0], moved, self._everyone),
            seconds=seconds,
        )

    def _both(self, x: Array) -> tuple[Array, Array]:
        """The outputs of the twin and of the served model."""
        with torch.no_grad():
            twin: Array = self._twin.outputs(self._twin.tensor(x), torch.from_numpy(self._everyone)).numpy()
        return twin, self._served.outputs(x, self._everyone)

    def _rightly(self, x: Array, outputs: tuple[Array, Array]) -> tuple[Array, Array]:
        twin, served = (rightly(self._samples, each, x, self._everyone) for each in outputs)
        return twin, served

    def _standing(self, outcomes: Sequence[Outcome]) -> Array:
        found = self.right
        for outcome in outcomes:
            found = found & outcome.served_right
        return found

    def _shortened(self, moved: Array, rows: Array) -> Array:
        samples = self._samples.at(rows) if len(rows) else self._samples
        if not len(rows):
            return np.zeros(0)
        served = replace(self._served, samples=samples)
        return shortened(served, moved[rows], samples.x, samples.aims, self._threat.norm)

    def _told(self, outcome: Outcome) -> Attack:
        attempt, count = outcome.attempt, len(self._samples)
        broken = np.flatnonzero(self.right & ~outcome.served_right)
        queries = outcome.queries
        return Attack(
            name=attempt.name,
            kind=attempt.kind,
            norm=self._threat.norm.value,
            epsilon=self._threat.epsilon,
            seed=self._seed,
            library=attempt.library,
            robust=Share.of(int(outcome.served_right.sum()), count),
            success=Share.of(len(broken), int(self.right.sum())),
            twin_robust=None if self._same else Share.of(int(outcome.twin_right.sum()), count),
            reach=float(sizes(outcome.adversarial, self._samples.x, self._threat.norm).max()),
            distances=_percentiles(self._shortened(outcome.adversarial, broken)),
            queries=None if queries is None else Queries(float(np.median(queries)), float(np.percentile(queries, 95))),
            seconds=outcome.seconds,
            settings=attempt.settings,
        )


def _percentiles(values: Array) -> Distances | None:
    return Distances(*(float(np.percentile(values, place)) for place in (10, 50, 90))) if len(values) else None
