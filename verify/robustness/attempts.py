"""The attacks of a plan, each with everything that it is run with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from verify.robustness.attacks.apgd import ApgdSettings, apgd_ce, apgd_t
from verify.robustness.attacks.autoattack import autoattack, autoattack_version, require_images
from verify.robustness.attacks.fgsm import fgsm
from verify.robustness.attacks.gradient import classes_of, every_row
from verify.robustness.attacks.noise import noise
from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.attacks.scores import Array
from verify.robustness.attacks.square import SquareSettings, square
from verify.robustness.attacks.token_substitution import flip_by_gradient, flip_by_scores
from verify.robustness.attacks.transfer import transfer
from verify.robustness.attempt import Attempt, Made
from verify.robustness.document import Kind
from verify.robustness.losses import Loss
from verify.robustness.plan import Plan
from verify.robustness.samples import Samples
from verify.robustness.targets import ServedTarget, TwinTarget
from verify.robustness.threat import Norm, Threat


class Attempts:
    """Builds attempts on one pair of targets. Every attack has a seed of its own that follows from ``seed``."""

    def __init__(self, served: ServedTarget, twin: TwinTarget, threat: Threat, seed: int) -> None:
        self._served, self._twin, self._threat, self._seed = served, twin, threat, seed
        samples = served.samples
        self._samples = samples
        # Attacks move samples in floating point, whatever the input's own type is; ``Samples.feeds`` rounds.
        self._floating: Array = samples.x if samples.x.dtype.kind == "f" else samples.x.astype(np.float32)
        self._x = twin.tensor(samples.x)
        self._labels = torch.from_numpy(samples.aims)
        self._mask = _as_tensor(samples.mask, samples)

    def of_plan(self, plan: Plan) -> Iterator[Attempt]:
        """Control, white box, black box, in this order."""
        if self._threat.norm is Norm.TOKENS:
            yield from self._of_tokens(plan)
            return
        yield self._noise(plan.noise_draws)
        yield self._fgsm()
        for loss in Loss:
            yield self._pgd(PgdSettings(plan.pgd_steps, plan.pgd_restarts, loss=loss))
        if plan.apgd is not None:
            yield from self._auto_pgd(plan.apgd)
        if plan.autoattack:
            yield self._autoattack()
        yield self._square(plan.square_queries)
        if not self._samples.per_step:
            # The surrogate is one layer over a whole sample, which is no tagger.
            yield self._transfer(plan.surrogate_steps)

    def at_size(self, size: float, steps: int) -> Made:
        """The attack of the sweep: the strongest that is quick."""
        threat = self._threat.of_size(size)
        if threat.norm is Norm.TOKENS:
            return self._made(flip_by_gradient(self._twin, self._x, self._labels, threat, mask=self._mask))
        settings = PgdSettings(steps, loss=Loss.MARGIN)
        return self._made(pgd(self._twin, self._x, self._labels, threat, settings, seed=self._seed, mask=self._mask))

    def again(self, rows: Array) -> Attempt:
        """A longer search on the samples ``rows`` alone, which fell without gradients and not with them."""
        some = self._samples.at(rows)
        twin = TwinTarget(self._twin.module, some, self._twin.output, self._twin.batch, self._twin.probabilities)
        if self._threat.norm is Norm.TOKENS:
            return self._tokens_again(rows, some, twin)

        def make() -> Made:
            mask = None if self._mask is None else self._mask[rows]
            moved, standing = self._x[rows].clone(), torch.ones(len(rows), dtype=torch.bool)
            for number, loss in enumerate(Loss):
                settings = PgdSettings(steps=100, restarts=5, loss=loss)
                found = pgd(
                    twin, self._x[rows], self._labels[rows], self._threat, settings, seed=self._seed + 7 + number, mask=mask
                )
                moved[standing] = found[standing]
                standing &= classes_of(twin, moved, every_row(moved)) == self._labels[rows]
            whole = self._x.clone()
            whole[rows] = moved
            return self._made(whole)

        stated = {"steps": "100", "restarts": "5", "loss": "either", "samples": ", ".join(str(row) for row in rows)}
        return Attempt("PGD-100 second look", Kind.WHITE_BOX, 0, make, stated)

    def _tokens_again(self, rows: Array, some: Samples, twin: TwinTarget) -> Attempt:
        """Gradients choose among tokens but poorly: the second look searches the twin itself."""
        queries, floating = 3000, self._floating[rows]

        def make() -> Made:
            moved = self._floating.copy()
            found = flip_by_scores(
                twin.scores, floating, some.aims, self._threat, queries=queries, seed=self._seed + 7, mask=some.mask
            )
            moved[rows] = found.adversarial
            return Made(moved)

        stated = {"queries": str(queries), "samples": ", ".join(str(row) for row in rows)}
        return Attempt("tokens, second look", Kind.WHITE_BOX, 0, make, stated)

    def _noise(self, draws: int) -> Attempt:
        def make() -> Made:
            found = noise(
                self._served,
                self._floating,
                self._samples.aims,
                self._threat,
                draws=draws,
                seed=self._seed,
                mask=self._samples.mask,
            )
            return Made(found)

        return Attempt("noise", Kind.CONTROL, draws, make, {"draws": str(draws)})

    def _fgsm(self) -> Attempt:
        def make() -> Made:
            return self._made(fgsm(self._twin, self._x, self._labels, self._threat, mask=self._mask))

        return Attempt("FGSM", Kind.WHITE_BOX, 3, make, {"loss": Loss.CROSS_ENTROPY.value})

    def _pgd(self, settings: PgdSettings) -> Attempt:
        def make() -> Made:
            return self._made(
                pgd(self._twin, self._x, self._labels, self._threat, settings, seed=self._seed + 1, mask=self._mask)
            )

        stated = {
            "steps": str(settings.steps),
            "restarts": str(settings.restarts),
            "step": f"{settings.share:g} epsilon",
            "loss": settings.loss.value,
        }
        name = f"PGD-{settings.steps} {settings.loss.value}"
        return Attempt(name, Kind.WHITE_BOX, 3 * settings.steps * settings.restarts, make, stated)

    def _auto_pgd(self, settings: ApgdSettings) -> Iterator[Attempt]:
        stated = {"steps": str(settings.steps), "restarts": str(settings.restarts)}
        passes = 3 * settings.steps * settings.restarts

        def with_cross_entropy() -> Made:
            return self._made(
                apgd_ce(self._twin, self._x, self._labels, self._threat, settings, seed=self._seed + 2, mask=self._mask)
            )

        def targeted() -> Made:
            return self._made(
                apgd_t(self._twin, self._x, self._labels, self._threat, settings, seed=self._seed + 3, mask=self._mask)
            )

        yield Attempt("APGD-CE", Kind.WHITE_BOX, passes, with_cross_entropy, stated)
        stated = {**stated, "targets": str(settings.aims)}
        yield Attempt("APGD-T", Kind.WHITE_BOX, passes * settings.aims, targeted, stated)

    def _autoattack(self) -> Attempt:
        require_images(self._samples.x.shape, self._threat, alone=not self._samples.others)

        def make() -> Made:
            return self._made(autoattack(self._twin, self._x, self._labels, self._threat, seed=self._seed + 4))

        return Attempt("AutoAttack", Kind.WHITE_BOX, 10_000, make, {"version": "standard"}, autoattack_version())

    def _square(self, queries: int) -> Attempt:
        settings = SquareSettings(queries)

        def make() -> Made:
            found = square(
                self._served,
                self._floating,
                self._samples.aims,
                self._threat,
                settings,
                seed=self._seed + 5,
                mask=self._samples.mask,
            )
            return Made(found.adversarial, found.queries)

        return Attempt(
            f"Square-{queries}", Kind.BLACK_BOX, queries, make, {"queries": str(queries), "first": f"{settings.first:g}"}
        )

    def _transfer(self, steps: int) -> Attempt:
        def make() -> Made:
            labels, mask = self._samples.aims, self._samples.mask
            found = transfer(self._served, self._floating, labels, self._threat, steps=steps, seed=self._seed + 6, mask=mask)
            return Made(found)

        stated = {"surrogate": "one hidden layer, trained on the model's answers", "steps": str(steps)}
        return Attempt("transfer", Kind.BLACK_BOX, 30, make, stated)

    def _of_tokens(self, plan: Plan) -> Iterator[Attempt]:
        changes = int(self._threat.epsilon)

        def random() -> Made:
            found = flip_by_scores(
                self._served,
                self._floating,
                self._samples.aims,
                self._threat,
                queries=plan.noise_draws,
                seed=self._seed,
                mask=self._samples.mask,
            )
            return Made(found.adversarial)

        def by_gradient() -> Made:
            return self._made(flip_by_gradient(self._twin, self._x, self._labels, self._threat, mask=self._mask))

        def by_scores() -> Made:
            found = flip_by_scores(
                self._served,
                self._floating,
                self._samples.aims,
                self._threat,
                queries=plan.square_queries,
                seed=self._seed + 5,
                mask=self._samples.mask,
            )
            return Made(found.adversarial, found.queries)

        yield Attempt("random tokens", Kind.CONTROL, plan.noise_draws, random, {"draws": str(plan.noise_draws)})
        stated = {"loss": Loss.MARGIN.value, "candidates": "48"}
        yield Attempt("tokens by gradient", Kind.WHITE_BOX, 100 * changes, by_gradient, stated)
        queries = plan.square_queries
        yield Attempt("tokens by scores", Kind.BLACK_BOX, queries, by_scores, {"queries": str(queries)})

    def _made(self, moved: Tensor) -> Made:
        found: Array = moved.detach().numpy()
        return Made(found)


def _as_tensor(mask: Array | None, samples: Samples) -> Tensor | None:
    if mask is None:
        return None
    kind = samples.x.dtype if samples.x.dtype.kind == "f" else np.dtype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(np.broadcast_to(mask, samples.x.shape)).astype(kind))
