"""``bridge.load``: a package is verified, admitted, handed to the engine and run once. Nothing of it is opened twice."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from bridge.errors import InvalidOptionError, ModelFailedError, PolicyError, RuntimeFaultError
from bridge.runtime.engine import create_session
from bridge.runtime.in_process import InProcessModel
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.opening import OpenedPackage, open_package
from bridge.runtime.sandbox.report import NO_SANDBOX, meets
from bridge.runtime.served import ServedModel
from bridge.runtime.warm_up import smallest_inputs
from bridge.trust.policy.document import load_policy, policy_for
from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import SANDBOX

if TYPE_CHECKING:
    from bridge.runtime.isolation.limits import IsolationLimits

StrPath = str | os.PathLike[str]


def load(
    package: StrPath,
    *,
    policy: Policy | StrPath | None = None,
    isolation: Literal["none", "process"] = "none",
    limits: RuntimeLimits = DEFAULT_RUNTIME_LIMITS,
    allow_unsigned: bool = False,
    workers: IsolationLimits | None = None,
) -> ServedModel:
    """The model in the folder ``package``, ready to run.

    ``policy`` says who may sign packages and what has to be stated of them: a ``Policy``, or the path of its file. Without one
    nobody is trusted, and only ``allow_unsigned`` loads anything: packages whose origin is unknown. ``isolation`` is "none", this
    process, or "process", workers in a sandbox that can be killed (an ``IsolatedModel``); ``workers`` says how many, and what
    each may take. Where the policy asks for a sandbox, only workers have one.

    Raises ``TrustError`` for what is not as somebody trusted has signed it, ``RefusedModelError`` for a model that is not handed
    to the engine, ``InvalidPackageError`` for a folder that is no package, ``DeadlineExceeded`` when loading takes longer than
    ``limits.load_seconds``, and ``ModelFailedError`` where the engine refuses the model or its first run fails.
    """
    if isolation not in {"none", "process"}:
        raise InvalidOptionError(f"isolation is {isolation!r}; expected 'none' or 'process'")
    trusted = policy if isinstance(policy, Policy) else policy_for((), ()) if policy is None else load_policy(policy)
    opened = open_package(package, trusted, limits, allow_unsigned=allow_unsigned)
    with opened:
        model = _isolated(opened, limits, workers) if isolation == "process" else load_in_process(opened, limits)
        return _warm(model, limits)


def load_in_process(opened: OpenedPackage, limits: RuntimeLimits) -> InProcessModel:
    """The model of an opened package in this process, not yet run. ``opened`` stays the caller's to close.

    Raises ``PolicyError`` (rule ``sandbox``) where the policy asks for a sandbox, which this process is not in.
    """
    minimum = opened.rules.minimum_sandbox
    if not meets(NO_SANDBOX, minimum):
        raise PolicyError(
            SANDBOX, f"the model may run in a sandbox of level {minimum} or above; load it with isolation='process'"
        )
    return InProcessModel(create_session(opened.admitted, limits), opened.interface, opened.identity, limits)


def _isolated(opened: OpenedPackage, limits: RuntimeLimits, workers: IsolationLimits | None) -> ServedModel:
    from bridge.runtime.isolation.loading import load_isolated

    return load_isolated(opened, limits, workers)


def _warm(model: ServedModel, limits: RuntimeLimits) -> ServedModel:
    """The model, once it has run."""
    if limits.warm_up:
        try:
            model.run(smallest_inputs(model.interface), timeout=limits.load_seconds)
        except RuntimeFaultError as error:
            model.close()
            raise ModelFailedError(f"the first run failed, of the smallest inputs: {error}") from error
    return model
