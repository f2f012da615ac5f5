"""A served model behind guards."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bridge.errors import DeadlineExceeded, InvalidOptionError
from bridge.runtime.contract.inputs import InputContract
from bridge.runtime.guards.guard import Array, Change
from bridge.runtime.guards.pipeline import GuardStatus, Passed, Pipeline
from bridge.runtime.in_process import InProcessModel
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.served import ModelIdentity, ModelInterface, ServedModel

LOG = logging.getLogger("bridge.guards")


class GuardedModel:
    """Asks ``model`` with what ``pipeline`` lets through. Surface and errors are those of any served model.

    Requests are held against the interface, then shown to the guards, then given to the model, all within one deadline.
    ``record`` is told of everything that a sanitiser changes; by default it is logged at level INFO. ``sha256`` is that of the
    file that configures the guards.
    """

    def __init__(
        self,
        model: ServedModel,
        pipeline: Pipeline,
        *,
        limits: RuntimeLimits = DEFAULT_RUNTIME_LIMITS,
        sha256: str = "",
        record: Callable[[Change], None] | None = None,
    ) -> None:
        known = {tensor.name for tensor in model.interface.inputs}
        for guard in pipeline.guards:
            if guard.input not in known:
                raise InvalidOptionError(f"the guard {guard.name} is for an input {guard.input!r}, which the model does not have")
        self.model = model
        self.pipeline = pipeline
        self._inputs = InputContract(model.interface, limits.input_bytes)
        self._seconds = model.interface.limits.seconds if limits.run_seconds is None else limits.run_seconds
        self._sha256 = sha256
        self._record = record or _log

    @property
    def interface(self) -> ModelInterface:
        """The model's own."""
        return self.model.interface

    @property
    def identity(self) -> ModelIdentity:
        """The model's own, with the guards that stand before it."""
        names = tuple(guard.name for guard in self.pipeline.guards)
        return replace(self.model.identity, guards=names, guards_sha256=self._sha256)

    def run(
        self, inputs: Mapping[str, Array], *, timeout: float | None = None, outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """As ``ServedModel.run``; raises ``GuardRefusedError``, which is an ``InvalidInputError``, for what does not pass.

        The deadline, by default the model's own limit, is one for guards and model together. Inputs that ``judge`` returned are
        not judged again.
        """
        begun = time.monotonic()
        seconds = self._seconds if timeout is None else timeout
        is_judged = isinstance(inputs, Passed) and inputs.by is self.pipeline
        passed = inputs if is_judged else self.judge(inputs, timeout=timeout)
        left = seconds - (time.monotonic() - begun)
        if left <= 0:
            raise DeadlineExceeded(seconds, "the guards")
        try:
            if timeout is None and isinstance(self.model, InProcessModel):
                return self.model.run(passed, timeout=left, outputs=outputs, soft=True)
            return self.model.run(passed, timeout=left, outputs=outputs)
        except DeadlineExceeded as error:
            raise DeadlineExceeded(seconds) from error

    def judge(self, inputs: Mapping[str, Array], *, timeout: float | None = None) -> Passed:
        """The inputs as the guards let them through, within ``timeout`` seconds; the model's answer is not asked for.

        For whoever answers several requests with one run: each has to be judged by itself. Raises ``InvalidInputError``, among it
        ``GuardRefusedError``, and ``DeadlineExceeded``; what a guard asks of the model may fail as a run of it may.
        """
        seconds = self._seconds if timeout is None else timeout
        if not seconds > 0:
            raise InvalidOptionError(f"timeout is {seconds}; expected seconds, more than 0")
        feeds, _ = self._inputs.check(inputs)
        passed = self.pipeline.apply(feeds, seconds, hard=timeout is not None)
        for item in passed.changes:
            self._record(item)
        return passed

    def guards(self) -> tuple[GuardStatus, ...]:
        """The guards in force, in their order, with what each did so far."""
        return self.pipeline.status()

    def counters(self) -> Mapping[str, int]:
        """The model's own. Requests that a guard refused never reached it."""
        counters: Callable[[], Mapping[str, int]] | None = getattr(self.model, "counters", None)
        return counters() if counters is not None else {}

    def close(self) -> None:
        """Close the model."""
        self.model.close()


def _log(item: Change) -> None:
    LOG.info("%s changed %d of %d values of %r, by %.4g at most", item.guard, item.elements, item.of, item.input, item.max_abs)
