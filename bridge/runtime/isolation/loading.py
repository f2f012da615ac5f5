"""A package that was verified and admitted becomes a model in workers."""

from __future__ import annotations

import os
from dataclasses import replace

from bridge.runtime.isolation.fork_server import ForkServer
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.opening import OpenedPackage
from bridge.runtime.sandbox.report import stricter


def load_isolated(
    opened: OpenedPackage,
    limits: RuntimeLimits,
    isolation: IsolationLimits | None = None,
    *,
    server: ForkServer | None = None,
) -> IsolatedModel:
    """The model of an opened package in workers, which get the verified bytes. Closes ``opened``; raises as ``IsolatedModel``.

    Without ``isolation`` there are as many workers as calls may run at once, but no more than there are processors.
    Of its minimum of a sandbox and the policy's, the stricter one holds.
    """
    chosen = isolation or IsolationLimits(workers=min(limits.concurrent_runs, len(os.sched_getaffinity(0))))
    chosen = replace(chosen, minimum_sandbox=stricter(chosen.minimum_sandbox, opened.rules.minimum_sandbox))
    with opened:
        admitted = opened.admitted
        return IsolatedModel(admitted.model, admitted.external, opened.interface, opened.identity, limits, chosen, server=server)
