"""``bridge.load``: a package is verified, admitted, handed to the engine, run once, and put behind its guards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from bridge.errors import InvalidOptionError, ModelFailedError, PolicyError, RuntimeFaultError
from bridge.package.interface import Interface
from bridge.runtime.engine import create_session
from bridge.runtime.features import cut_at, features_model
from bridge.runtime.guards.required import refuse_unguarded
from bridge.runtime.in_process import InProcessModel
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.opening import OpenedPackage, model_digest, open_package
from bridge.runtime.sandbox.report import NO_SANDBOX, meets
from bridge.runtime.served import Array, ServedModel
from bridge.runtime.warm_up import smallest_inputs
from bridge.trust.policy.document import load_policy, policy_for
from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import SANDBOX

if TYPE_CHECKING:
    import onnxruntime

    from bridge.runtime.guards.configuration import GuardConfiguration
    from bridge.runtime.guards.guard import Call
    from bridge.runtime.isolation.limits import IsolationLimits
    from bridge.runtime.isolation.model import IsolatedModel

StrPath = str | os.PathLike[str]


def load(
    package: StrPath,
    *,
    policy: Policy | StrPath | None = None,
    isolation: Literal["none", "process"] = "none",
    limits: RuntimeLimits = DEFAULT_RUNTIME_LIMITS,
    allow_unsigned: bool = False,
    workers: IsolationLimits | None = None,
    guards: GuardConfiguration | StrPath | None = None,
) -> ServedModel:
    """The model in the folder ``package``, ready to run.

    ``policy`` says who may sign packages and what has to be stated of them: a ``Policy``, or the path of its file. Without one
    nobody is trusted, and only ``allow_unsigned`` loads anything: packages whose origin is unknown. ``isolation`` is "none", this
    process, or "process", workers in a sandbox that can be killed (an ``IsolatedModel``); ``workers`` says how many, and what
    each may take. Where the policy asks for a sandbox, only workers have one. ``guards`` are input guards, or the path of their
    file, and make the model a ``GuardedModel``.

    Raises ``TrustError`` for what is not as somebody trusted has signed it, ``RefusedModelError`` for a model that is not handed
    to the engine, ``InvalidPackageError`` for a folder that is no package, ``DeadlineExceeded`` when loading takes longer than
    ``limits.load_seconds``, ``ModelFailedError`` where the engine refuses the model or its first run fails, and
    ``InvalidOptionError`` for guards that do not suit the model.
    """
    if isolation not in {"none", "process"}:
        raise InvalidOptionError(f"isolation is {isolation!r}; expected 'none' or 'process'")
    trusted = policy if isinstance(policy, Policy) else policy_for((), ()) if policy is None else load_policy(policy)
    configured = _configured(guards)
    opened = open_package(package, trusted, limits, allow_unsigned=allow_unsigned)
    with opened:
        if configured is not None and configured.features:
            configured.refuse_other_model(model_digest(opened))
        model = (
            _isolated(opened, limits, workers, configured)
            if isolation == "process"
            else load_in_process(opened, limits, configured)
        )
        return ready(model, limits, configured)


def load_in_process(opened: OpenedPackage, limits: RuntimeLimits, guards: GuardConfiguration | None = None) -> InProcessModel:
    """The model of an opened package in this process, not yet run. ``opened`` stays the caller's to close.

    What ``guards`` look at, the model can be asked for; the caller puts them in front. Raises ``PolicyError`` where the policy
    asks for a sandbox, which this process is not in (rule ``sandbox``), or for other guards (rule ``guards``).
    """
    minimum = opened.rules.minimum_sandbox
    if not meets(NO_SANDBOX, minimum):
        raise PolicyError(
            SANDBOX, f"the model may run in a sandbox of level {minimum} or above; load it with isolation='process'"
        )
    refuse_unguarded(opened.rules, guards)
    features = None if guards is None or not guards.features else _features(opened, limits, guards.features)
    session = create_session(opened.admitted, limits)
    return InProcessModel(session, opened.interface, opened.identity, limits, features=features)


def ready(model: InProcessModel | IsolatedModel, limits: RuntimeLimits, guards: GuardConfiguration | None) -> ServedModel:
    """The model, once it has run, behind its guards. It is closed where it does not get there."""
    try:
        if limits.warm_up:
            _warm(model, limits, guards)
        if guards is None:
            return model
        from bridge.runtime.guards.guarded import GuardedModel

        def features(call: Call) -> Array:
            if isinstance(model, InProcessModel):
                return model.features(call.inputs, timeout=call.left(), soft=not call.hard)
            return model.features(call.inputs, timeout=call.left())

        pipeline = guards.pipeline(model.interface, features)
        return GuardedModel(model, pipeline, limits=limits, sha256=guards.sha256)
    except BaseException:
        model.close()
        raise


def _configured(guards: GuardConfiguration | StrPath | None) -> GuardConfiguration | None:
    if guards is None:
        return None
    from bridge.runtime.guards.configuration import GuardConfiguration, load_guards

    return guards if isinstance(guards, GuardConfiguration) else load_guards(guards)


def _isolated(
    opened: OpenedPackage, limits: RuntimeLimits, workers: IsolationLimits | None, guards: GuardConfiguration | None
) -> IsolatedModel:
    from bridge.runtime.isolation.loading import load_isolated

    return load_isolated(opened, limits, workers, guards)


def _features(opened: OpenedPackage, limits: RuntimeLimits, value: str) -> tuple[onnxruntime.InferenceSession, str]:
    """A session of the model's first layers, made like its own, and the name of its output."""
    admitted = opened.admitted
    cut = cut_at(admitted.parsed.graph, value)
    return create_session(admitted.part(features_model(admitted.model, cut), limits.model), limits), value


def _warm(model: InProcessModel | IsolatedModel, limits: RuntimeLimits, guards: GuardConfiguration | None) -> None:
    """Run once, before anybody waits for it. The guards are not asked: the smallest inputs are like none that they know."""
    inputs = smallest_inputs(model.interface)
    try:
        model.run(inputs, timeout=limits.load_seconds)
        if guards is not None and guards.features:
            model.features(inputs, timeout=limits.load_seconds)
    except RuntimeFaultError as error:
        raise ModelFailedError(f"the first run failed, of the smallest inputs{_extents(model.interface)}: {error}") from error


def _extents(interface: Interface) -> str:
    """The smallest extents that the interface admits, and what to do where the model needs greater ones."""
    symbols = {
        extent: interface.symbols[extent] for tensor in interface.inputs for extent in tensor.shape if isinstance(extent, str)
    }
    if not symbols:
        return ""
    shown = ", ".join(f"{name}={max(1, bound.minimum)}" for name, bound in symbols.items())
    return f" ({shown}; a model that needs greater ones is packaged with --bound SYMBOL=MINIMUM..MAXIMUM)"
