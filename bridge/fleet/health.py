"""Whether the models of a replica still answer. Ray asks, and replaces a replica that says no three times in a row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from bridge.errors import ModelFailedError
from bridge.runtime.supervision.supervised import SupervisedModel
from bridge.runtime.warm_up import smallest_inputs
from bridge.serve.models.hosted import HostedModel

Watched = tuple[SupervisedModel, HostedModel]


class Health:
    """A model that has answered since it was last looked at is well; any other has to answer its smallest inputs.

    In process, a run that never ends keeps its place: the question then waits for a place, and is not answered in time. That is
    the case that nothing but a new process helps against.
    """

    def __init__(self, models: Sequence[Watched]) -> None:
        self._models: Final = tuple(models)
        self._answered: Final = [0] * len(self._models)

    async def check(self) -> None:
        """Raise ``ModelFailedError`` where a model does not answer."""
        loop = asyncio.get_running_loop()
        for index, (served, hosted) in enumerate(self._models):
            before, self._answered[index] = self._answered[index], hosted.answered
            if hosted.answered == before:
                await loop.run_in_executor(None, _ask, served, hosted.settings.name)


def _ask(served: SupervisedModel, name: str) -> None:
    interface = served.interface
    try:
        served.run(smallest_inputs(interface), timeout=interface.limits.seconds)
    except Exception as error:
        raise ModelFailedError(f"the model {name!r} does not answer its smallest inputs: {error}") from error
