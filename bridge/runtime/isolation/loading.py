"""A package that was verified and admitted becomes a model in workers."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.runtime.features import cut_at
from bridge.runtime.guards.required import refuse_unguarded
from bridge.runtime.isolation.fork_server import ForkServer
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.opening import OpenedPackage
from bridge.runtime.sandbox.report import stricter

if TYPE_CHECKING:
    from bridge.runtime.guards.configuration import GuardConfiguration


def load_isolated(
    opened: OpenedPackage,
    limits: RuntimeLimits,
    isolation: IsolationLimits | None = None,
    guards: GuardConfiguration | None = None,
    *,
    server: ForkServer | None = None,
) -> IsolatedModel:
    """The model of an opened package in workers, which get the verified bytes. Closes ``opened``; raises as ``IsolatedModel``.

    Without ``isolation`` there are as many workers as calls may run at once, but no more than there are processors.
    Of its minimum of a sandbox and the policy's, the stricter one holds. What ``guards`` look at, the model can be asked for; the
    caller puts them in front. Raises ``PolicyError`` where the policy asks for others.
    """
    refuse_unguarded(opened.rules, guards)
    chosen = isolation or IsolationLimits(workers=min(limits.concurrent_runs, len(os.sched_getaffinity(0))))
    chosen = replace(chosen, minimum_sandbox=stricter(chosen.minimum_sandbox, opened.rules.minimum_sandbox))
    with opened:
        admitted = opened.admitted
        return IsolatedModel(
            admitted.model,
            admitted.external,
            opened.interface,
            opened.identity,
            limits,
            chosen,
            server=server,
            features=cut_at(admitted.parsed.graph, guards.features) if guards is not None and guards.features else None,
        )
