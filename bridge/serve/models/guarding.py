"""Guards in front of requests that are answered together: each request is judged by itself, before it is merged with others."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bridge.errors import BridgeError, GuardRefusedError
from bridge.runtime.guards.guarded import GuardedModel
from bridge.runtime.served import ServedModel
from bridge.runtime.supervision.supervised import SupervisedModel
from bridge.serve.models.job import Job


def guarded(model: ServedModel) -> GuardedModel | None:
    """The guards that stand before ``model`` at this moment; ``None`` where there are none."""
    serving = model.serving if isinstance(model, SupervisedModel) else model
    return serving if isinstance(serving, GuardedModel) else None


def judged(guards: GuardedModel, jobs: Sequence[Job]) -> tuple[list[Job], list[Job], dict[Job, GuardRefusedError]]:
    """The jobs whose inputs ``guards`` let through, as they left them; those that are best asked alone; and those refused.

    Asked alone is what a guard could not judge: the model may just be replaced, or fails, which its supervisor has to see.
    """
    passed: list[Job] = []
    alone: list[Job] = []
    refused: dict[Job, GuardRefusedError] = {}
    for job in jobs:
        try:
            job.inputs = guards.judge(job.inputs, timeout=max(0.001, job.deadline - time.monotonic()))
        except GuardRefusedError as error:
            refused[job] = error
        except BridgeError:
            alone.append(job)
        else:
            passed.append(job)
    return passed, alone, refused
