"""A package that was verified and admitted becomes a model in workers."""

from __future__ import annotations

from bridge.runtime.isolation.fork_server import ForkServer
from bridge.runtime.isolation.limits import DEFAULT_ISOLATION_LIMITS, IsolationLimits
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.opening import OpenedPackage


def load_isolated(
    opened: OpenedPackage,
    limits: RuntimeLimits,
    isolation: IsolationLimits = DEFAULT_ISOLATION_LIMITS,
    *,
    server: ForkServer | None = None,
) -> IsolatedModel:
    """The model of an opened package in workers, which get the verified bytes. Closes ``opened``; raises as ``IsolatedModel``."""
    with opened:
        admitted = opened.admitted
        return IsolatedModel(
            admitted.model, admitted.external, opened.interface, opened.identity, limits, isolation, server=server
        )
