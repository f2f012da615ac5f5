"""A golden case run through a backend: every recorded output compared, every output of the model accounted for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from bridge.errors import BridgeError
from verify.equivalence.backends import Array, Backend
from verify.equivalence.cases import GoldenCase, RecordedVariable
from verify.equivalence.feeding import feeds, variable_name
from verify.equivalence.outputs import judge, judge_lengths
from verify.equivalence.rules import STANDARD, Rules
from verify.report.document import Case, Output, OutputVerdict

RECORDED = "recorded"
"""What reports call the reference of a golden case: the values that were recorded with CNTK."""


def check_case(backend: Backend, case: GoldenCase, rules: Rules = STANDARD, referee: Backend | None = None) -> Case:
    """The case in ONE batch. What the input's fault prevents becomes the report's ``error``.

    ``referee`` is the same graph in double precision; where it cannot run the case, ``note`` says so.
    """
    name = backend.identity.name
    started = time.perf_counter()
    try:
        results = backend.run(feeds(case, backend.inputs))
    except BridgeError as error:
        return failed_case(case.name, name, error, time.perf_counter() - started)
    seconds = time.perf_counter() - started
    truths, note = _truths(referee, case)
    outputs = compared_outputs(case, results, backend, rules, truths)
    return judged_case(Case(case=case.name, backend=name, reference=RECORDED, seconds=seconds, note=note, outputs=outputs))


def judged_case(case: Case) -> Case:
    """The case; one in which everything agrees because there was nothing in it comes to nothing instead of passing."""
    if case.holds and not any(output.metrics is not None and output.metrics.elements for output in case.outputs):
        return replace(case, error="nothing was compared: the case records no element of any output")
    return case


def failed_case(case: str, backend: str, error: BridgeError | str, seconds: float = 0.0) -> Case:
    """A case that came to nothing before a comparison."""
    return Case(case=case, backend=backend, reference=RECORDED, seconds=seconds, error=str(error))


def compared_outputs(
    case: GoldenCase, results: Mapping[str, Array], backend: Backend, rules: Rules, truths: Mapping[str, Array]
) -> tuple[Output, ...]:
    """What a backend computed beside what the case records: one entry for each output of either."""
    reports: list[Output] = []
    accounted: set[str] = set()
    for output in case.outputs:
        name = variable_name(output.description, backend.outputs)
        if name is None:
            reports.append(_missing(output, results))
            continue
        accounted.add(name)
        reports.append(judge(case.name, name, output, results[name], rules, truths.get(name)))
        lengths = f"{name}_lengths"
        if lengths in results and isinstance(output.value, list):
            accounted.add(lengths)
            reports.append(judge_lengths(lengths, output.value, results[lengths], rules))
    reports += [_unrecorded(name, value) for name, value in results.items() if name not in accounted]
    return tuple(reports)


def _truths(referee: Backend | None, case: GoldenCase) -> tuple[Mapping[str, Array], str]:
    if referee is None:
        return {}, ""
    try:
        return referee.run(feeds(case, referee.inputs)), ""
    except BridgeError as error:
        return {}, f"no referee: {error}"


def _missing(output: RecordedVariable, results: Mapping[str, Array]) -> Output:
    reason = f"the model has no such output, only {', '.join(map(repr, results))}; convert with --output to choose"
    description = output.description
    return Output(name=description.public_name, verdict=OutputVerdict.MISSING, dtype=description.dtype, reason=reason)


def _unrecorded(name: str, value: Array) -> Output:
    reason = "the case records no value for this output"
    return Output(name=name, verdict=OutputVerdict.UNRECORDED, dtype=str(value.dtype), reason=reason)
