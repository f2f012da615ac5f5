"""The test of a model, from two sides to a report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import torch

from bridge.errors import BridgeError, InvalidOptionError
from bridge.version import __version__
from verify.equivalence.assembling import environment
from verify.report.document import Model, Tool
from verify.robustness.document import Data, RobustnessReport, Side, ThreatModel, ThreatResult
from verify.robustness.gates import NO_GATES, Gates
from verify.robustness.pictures import examples
from verify.robustness.plan import PLANS, Plan, Tier
from verify.robustness.progress import Passes, Progress, silent
from verify.robustness.samples import Samples
from verify.robustness.session import Session
from verify.robustness.steps import UNCOUNTED
from verify.robustness.targets import Run, ServedTarget, TwinTarget
from verify.robustness.threat import Norm, Threat


@dataclass(frozen=True, slots=True)
class Sides:
    """``run`` is the session that serves the model and ``module`` its twin; ``same`` where the module is what is served.

    ``runtimes`` name what each runs in. ``batch`` is how many samples either gets at once.
    """

    run: Run
    module: torch.nn.Module
    output: str
    same: bool = False
    served_runtime: str = "onnxruntime"
    twin_runtime: str = "PyTorch"
    batch: int = 64


@dataclass(frozen=True, slots=True)
class Trial:
    """A threat, and what has to hold under it."""

    threat: Threat
    gates: Gates = NO_GATES


@dataclass(frozen=True, slots=True)
class Options:
    """How a test is done and what is written of it. ``data_sha256`` is the digest of the file that the samples come from."""

    plan: Plan = PLANS[Tier.SMOKE]
    seed: int = 0
    progress: Progress = silent
    models: Sequence[Model] = field(default_factory=tuple)
    data_sha256: str = ""
    command: str = ""


SMOKE = Options()


def run_robustness_test(sides: Sides, samples: Samples, trials: Sequence[Trial], options: Options = SMOKE) -> RobustnessReport:
    """Attack the served model on ``samples`` within the threat of each of ``trials``. The same seed gives the same figures.

    Whatever the model does is the report's to tell, a runtime that fails included; options that make no sense are raised as
    ``UsageError``.
    """
    if not trials:
        raise InvalidOptionError("there is no threat to test the model against")
    begun = time.perf_counter()
    with _one_thread(), _frozen(sides.module):
        passes = Passes(options.progress)
        sessions = [_session(sides, samples, trial.threat, options, passes) for trial in trials]
        results = tuple(_result(session, samples, trial) for session, trial in zip(sessions, trials, strict=True))
    return RobustnessReport(
        tool=Tool("cntk-bridge", __version__),
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        environment=environment(),
        command=options.command,
        models=tuple(options.models),
        seeds={"attacks": options.seed},
        tier=options.plan.tier.value,
        data=_data(sessions[0], samples, sides, options),
        sides=_sides(sessions[0], sides),
        results=results,
        seconds=time.perf_counter() - begun,
    )


def _session(sides: Sides, samples: Samples, threat: Threat, options: Options, passes: Passes) -> Session:
    seen = replace(samples, tokens=threat.norm is Norm.TOKENS)
    served = ServedTarget(sides.run, seen, sides.output, sides.batch)
    twin = TwinTarget(sides.module, seen, sides.output, sides.batch)
    return Session(served, twin, threat, options.plan, options.seed, passes, same=sides.same)


def _result(session: Session, samples: Samples, trial: Trial) -> ThreatResult:
    """What became of one threat. A runtime that fails leaves the results of the others."""
    begun, threat = time.perf_counter(), trial.threat
    result = ThreatResult(threat=ThreatModel(threat.norm.value, threat.epsilon, threat.low, threat.high))
    if not session.right.any():
        return replace(result, error=_NOTHING_RIGHT[samples.per_step])
    try:
        session.attack()
        sweep = session.sweep()
        compared, worst = session.parity(), session.worst(sweep)
        return replace(
            result,
            attacks=session.attacks(),
            worst=worst,
            distances=session.distances(sweep),
            curve=session.curve(sweep),
            checks=session.checks(sweep),
            parity=compared,
            gates=trial.gates.of(worst, compared),
            examples=examples(session.outcomes, session.samples, session.right, threat),
            seconds=time.perf_counter() - begun,
        )
    except (BridgeError, RuntimeError) as error:
        if isinstance(error, BridgeError) and not _is_of_model(error):
            raise
        return replace(result, error=f"{type(error).__name__}: {error}"[:2000])


_NOTHING_RIGHT = {
    False: "the model classifies no sample rightly as it is: there is nothing to break",
    True: "the model classifies no sequence rightly at every step as it is: there is nothing to break; the label -1 leaves a "
    "step out",
}


def _is_of_model(error: BridgeError) -> bool:
    """Whether a runtime failed on what it was given, which is a finding and no wrong use."""
    from verify.equivalence.backends import BackendError

    return isinstance(error, BackendError)


def _data(session: Session, samples: Samples, sides: Sides, options: Options) -> Data:
    return Data(
        sha256=options.data_sha256,
        samples=len(samples),
        classes=session.classes,
        input=samples.name,
        output=sides.output,
        shape=tuple(int(extent) for extent in samples.x.shape[1:]),
        dtype=str(samples.x.dtype),
        steps=int((samples.labels != UNCOUNTED).sum()) if samples.per_step else 0,
    )


def _sides(session: Session, sides: Sides) -> tuple[Side, ...]:
    twin, served = session.clean
    of_twin, of_served = session.steps_right
    both = (
        Side("served", sides.served_runtime, served, of_served),
        Side("twin", sides.twin_runtime, twin, of_twin),
    )
    return both[:1] if sides.same else both


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch on one thread, so that sums come out in one order; it has one number for the whole process, which is put back."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _frozen(module: torch.nn.Module) -> Iterator[None]:
    """The module in evaluation mode as its owner left it, without gradients of its parameters, which nothing here needs."""
    before = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    for parameter, _ in before:
        parameter.requires_grad = False
    try:
        yield
    finally:
        for parameter, wanted in before:
            parameter.requires_grad = wanted
