"""A served model behind guards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from bridge.errors import DeadlineExceeded, InvalidOptionError
from bridge.runtime.guards.guard import Array, Change
from bridge.runtime.guards.pipeline import Pipeline
from bridge.runtime.served import ModelIdentity, ModelInterface, ServedModel

LOG = logging.getLogger("bridge.guards")


class GuardedModel:
    """Asks ``model`` with what ``pipeline`` lets through. Surface and errors are those of any served model.

    ``record`` is told of everything that a sanitiser changes; by default it is logged at level INFO. The time that guards take
    counts against the caller's.
    """

    def __init__(self, model: ServedModel, pipeline: Pipeline, *, record: Callable[[Change], None] | None = None) -> None:
        known = {tensor.name for tensor in model.interface.inputs}
        for guard in pipeline.guards:
            if guard.input not in known:
                raise InvalidOptionError(f"the guard {guard.name} is for an input {guard.input!r}, which the model does not have")
        self._model = model
        self.pipeline = pipeline
        self._record = record or _log

    @property
    def interface(self) -> ModelInterface:
        """The model's own."""
        return self._model.interface

    @property
    def identity(self) -> ModelIdentity:
        """The model's own."""
        return self._model.identity

    def run(
        self, inputs: Mapping[str, Array], *, timeout: float | None = None, outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """As ``ServedModel.run``; raises ``GuardRefusedError``, which is an ``InvalidInputError``, for what does not pass."""
        guarded = self.pipeline.apply(inputs)
        for item in guarded.changes:
            self._record(item)
        if timeout is not None:
            left = timeout - sum(guarded.seconds.values())
            if left <= 0:
                raise DeadlineExceeded(timeout, "the guards")
            timeout = left
        return self._model.run(guarded.inputs, timeout=timeout, outputs=outputs)

    def close(self) -> None:
        """Close the model."""
        self._model.close()


def _log(item: Change) -> None:
    LOG.info("%s changed %d of %d values of %r, by %.4g at most", item.guard, item.elements, item.of, item.input, item.max_abs)
