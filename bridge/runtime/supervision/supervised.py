"""A served model that can be replaced while it serves, with a way back, a breaker, and another model to fall back to."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import BridgeError, DeadlineExceeded, ModelFailedError, OverloadedError, RefusedModelError, UsageError
from bridge.runtime.served import Array, ModelIdentity, ModelInterface, ServedModel
from bridge.runtime.supervision.breaker import BreakerLimits, BreakerState
from bridge.runtime.supervision.generation import Generation
from bridge.runtime.supervision.history import History

StrPath = str | os.PathLike[str]
Load = Callable[[Path], ServedModel]


@dataclass(frozen=True, slots=True)
class SupervisionLimits:
    """``drain_seconds`` is how long requests that are with a replaced model may take before it is closed under them.

    ``keep_previous`` keeps the replaced model loaded, which makes the way back immediate, and takes its memory.
    """

    breaker: BreakerLimits = field(default_factory=BreakerLimits)
    drain_seconds: float = 30.0
    keep_previous: bool = True


class SupervisedModel:
    """A ``ServedModel`` over whatever ``load`` makes of a package: ``lambda path: bridge.load(path, policy=..., isolation=...)``.

    ``load`` verifies, admits and warms; the same function, and so the same policy, loads every package here, also the fallback.
    Where ``package`` does not load, the fallback takes its place; without one the error is raised. All of it may be called from
    any thread; one replacement happens at a time, while requests go on.
    """

    def __init__(
        self, load: Load, package: StrPath, *, fallback: StrPath | None = None, limits: SupervisionLimits | None = None
    ) -> None:
        self._load = load
        self._limits = limits or SupervisionLimits()
        self.history = History()
        self._counts: Counter[str] = Counter()
        self._replacing = threading.Lock()
        self._lock = threading.Lock()
        self._previous: Generation | None = None
        self._fallback = None if fallback is None else self._loaded(Path(fallback))
        self._closed = False
        self.refusal: BridgeError | None = None
        try:
            self._current = self._compatible(Path(package), self._fallback)
        except BridgeError as error:
            if self._fallback is None:
                raise
            self.refusal = error
            self._current = self._fallback
            self._note("fallback used", self._fallback, f"{package} is refused: {error}")

    @property
    def interface(self) -> ModelInterface:
        """The signed interface of the model that serves."""
        return self._current.model.interface

    @property
    def identity(self) -> ModelIdentity:
        """The model that serves now: the fallback's where it has taken the place of the one that was asked for."""
        return self._serving().model.identity

    @property
    def serving(self) -> ServedModel:
        """The model that requests go to at this moment, for those who watch it; it may be closed at any time."""
        return self._serving().model

    @property
    def is_fallback(self) -> bool:
        """Whether requests go to the fallback at this moment."""
        return self._serving() is self._fallback

    @property
    def breaker(self) -> BreakerState:
        """The breaker of the model that was asked for."""
        return self._current.breaker.state

    def counters(self) -> Mapping[str, int]:
        """Requests that were answered by the fallback or refused by the breaker; reloads, rollbacks, and reloads that failed."""
        names = ("fallback_runs", "breaker_refusals", "reloads", "failed_reloads", "rollbacks")
        with self._lock:
            return {name: self._counts[name] for name in names} | {"breaker_openings": self._current.breaker.openings}

    def run(
        self, inputs: Mapping[str, Array], *, timeout: float | None = None, outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """The outputs; see ``ServedModel.run``. Raises ``OverloadedError`` while the breaker is open and there is no fallback."""
        generation = self._entered(lambda: self._current)
        try:
            wait = generation.breaker.admit()
            if wait is None:
                return self._judged_run(generation, inputs, timeout, outputs)
        finally:
            generation.leave()
        if self._fallback is None or generation is self._fallback:
            self._count("breaker_refusals")
            raise OverloadedError("the model failed again and again, and is left alone for a while", retry_after=wait)
        fallback = self._entered(lambda: self._fallback)
        try:
            self._count("fallback_runs")
            return fallback.model.run(inputs, timeout=timeout, outputs=outputs)
        finally:
            fallback.leave()

    def reload(self, package: StrPath) -> ModelIdentity:
        """Replace the model by the package, once that is verified, admitted and warm; requests go on meanwhile.

        Raises what refuses the package, and ``RefusedModelError`` for one with another interface: the old model serves on.
        """
        with self._replacing:
            self._refuse_closed()
            try:
                fresh = self._compatible(Path(package), self._current)
            except BridgeError as error:
                self._count("failed_reloads")
                self.history.add("reload refused", os.fspath(package), reason=str(error))
                raise
            old, self._current = self._current, fresh
            self.refusal = None
            self._count("reloads")
            self._note("replaced", fresh, f"it takes the place of {old.package}")
            self._set_previous(old)
            return fresh.model.identity

    def rollback(self) -> ModelIdentity:
        """Go back to the model that was replaced last, which is still loaded. Raises ``UsageError`` where there is none."""
        with self._replacing:
            self._refuse_closed()
            if self._previous is None:
                raise UsageError("there is no model to go back to: nothing was replaced, or keep_previous is off")
            left, self._current, self._previous = self._current, self._previous, self._current
            self._count("rollbacks")
            self._note("rolled back", self._current, f"it takes the place of {left.package}")
            return self._current.model.identity

    def close(self) -> None:
        """Close all models, after waiting for requests that are under way. Closing twice is nothing."""
        with self._replacing:
            self._closed = True
            generations = {id(each): each for each in (self._current, self._previous, self._fallback) if each is not None}
            for generation in generations.values():
                generation.retire(self._limits.drain_seconds)

    def _judged_run(
        self, generation: Generation, inputs: Mapping[str, Array], timeout: float | None, outputs: Sequence[str] | None
    ) -> dict[str, Array]:
        """A run whose outcome the breaker learns. A deadline shorter than the interface's own says nothing about the model."""
        breaker = generation.breaker
        try:
            answer = generation.model.run(inputs, timeout=timeout, outputs=outputs)
        except BaseException as error:
            late = isinstance(error, DeadlineExceeded) and (timeout is None or timeout >= self.interface.limits.seconds)
            if late or isinstance(error, ModelFailedError):
                openings = breaker.openings
                breaker.failed()
                if breaker.openings > openings:
                    self._note("breaker opened", generation, str(error))
            else:
                breaker.undecided()
            raise
        breaker.succeeded()
        return answer

    def _entered(self, which: Callable[[], Generation | None]) -> Generation:
        """A generation that the caller is inside of. One that was retired before the caller entered was replaced: look again."""
        while True:
            generation = which()
            if generation is not None and generation.enter():
                return generation
            self._refuse_closed()

    def _serving(self) -> Generation:
        if self._fallback is not None and self._current.breaker.state is BreakerState.OPEN:
            return self._fallback
        return self._current

    def _loaded(self, package: Path) -> Generation:
        generation = Generation(self._load(package), package, self._limits.breaker)
        self._note("loaded", generation, "")
        return generation

    def _set_previous(self, old: Generation) -> None:
        """Keep the replaced model for the way back, and let go of the one before it."""
        leaving = self._previous
        self._previous = old if self._limits.keep_previous else None
        if not self._limits.keep_previous:
            leaving = old
        if leaving is not None and leaving is not self._fallback and not leaving.retire(self._limits.drain_seconds):
            self._note("not drained", leaving, f"requests were with it after {self._limits.drain_seconds:g} s")

    def _compatible(self, package: Path, other: Generation | None) -> Generation:
        """A package, loaded, that callers use as they use ``other``. Raises what refuses it; nothing of it is left then."""
        fresh = self._loaded(package)
        if other is not None:
            found, expected = _callable_form(fresh.model.interface), _callable_form(other.model.interface)
            if found != expected:
                fresh.retire(0)
                raise RefusedModelError(
                    "interface", f"{package}", expected=f"that of {other.package}, {expected}", found=str(found)
                )
        return fresh

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ModelFailedError("the model was closed")

    def _note(self, kind: str, generation: Generation, reason: str) -> None:
        self.history.add(kind, str(generation.package), generation.model.identity.root_digest, reason)

    def _count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1


def _callable_form(interface: ModelInterface) -> dict[str, list[tuple[str, str, int, bool]]]:
    """What callers depend on: names, types, ranks, and what may be left out."""
    return {
        side: sorted((tensor.name, tensor.dtype, len(tensor.shape), tensor.optional) for tensor in tensors)
        for side, tensors in (("inputs", interface.inputs), ("outputs", interface.outputs))
    }
