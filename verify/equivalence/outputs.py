"""One output of a converted model judged beside what was recorded of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verify.equivalence.agreement import agreement
from verify.equivalence.alignment import Aligned, align
from verify.equivalence.backends import Array
from verify.equivalence.cases import Batch, RecordedVariable
from verify.equivalence.comparison import Comparison, allowed_error, compare
from verify.equivalence.referee import ruling
from verify.equivalence.rules import Rules
from verify.equivalence.tolerances import Tolerance
from verify.report.document import Agreement, Allowed, Output, OutputVerdict, Waiver


def compare_output(got: Array, want: Batch, tolerance: Tolerance) -> Comparison:
    """``[N, *shape]``, padded ``[N, T, *shape]`` or folded ``[N * T, *shape]``, against the recorded value."""
    pair = align(got, want)
    return Comparison(problem=pair) if isinstance(pair, str) else compare(pair.got, pair.want, tolerance, pair.lengths)


def judge(case: str, name: str, recorded: RecordedVariable, got: Array, rules: Rules, truth: Array | None = None) -> Output:
    """The output ``name`` of a case. ``truth`` is the same output of the same graph in double precision, where it was run."""
    dtype = recorded.description.dtype
    tolerance = rules.tolerance(name, dtype)
    pair = align(got, recorded.value)
    if isinstance(pair, str):
        return _report(name, dtype, tolerance, Comparison(problem=pair))
    comparison = compare(pair.got, pair.want, tolerance, pair.lengths)
    waiver = None if comparison.agrees else _waiver(case, name, pair, rules)
    output = _report(name, dtype, tolerance, comparison, waiver)
    return replace(
        output,
        shape=None if isinstance(recorded.value, list) else recorded.value.shape,
        agreement=_agreement(pair, tolerance) if comparison.problem is None and len(recorded.description.shape) == 1 else None,
        referee=None if truth is None else ruling(got, recorded.value, truth, tolerance),
    )


def judge_lengths(name: str, sequences: list[Array], got: Array, rules: Rules) -> Output:
    """The lengths of a sequence axis that the model made: they are recorded as the lengths of the sequences themselves."""
    want = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    tolerance = rules.tolerance(name, "int64")
    return replace(_report(name, "int64", tolerance, compare(got, want, tolerance)), shape=want.shape)


def _report(name: str, dtype: str, tolerance: Tolerance, comparison: Comparison, waiver: Waiver | None = None) -> Output:
    verdict = OutputVerdict.AGREES if comparison.agrees else OutputVerdict.DIFFERS
    return Output(
        name=name,
        verdict=verdict if waiver is None else OutputVerdict.WAIVED,
        dtype=dtype,
        reason=comparison.reason(),
        tolerance=Allowed(tolerance.rtol, tolerance.atol, tolerance.why),
        waiver=waiver,
        metrics=comparison.metrics(tolerance),
    )


def _waiver(case: str, name: str, pair: Aligned, rules: Rules) -> Waiver | None:
    """The first waiver under which the output passes. None helps where types or shapes differ, or against a lone NaN."""
    for waiver in rules.waivers_for(case, name):
        if compare(pair.got, pair.want, Tolerance(waiver.rtol, waiver.atol), pair.lengths).agrees:
            return replace(waiver, applied=True)
    return None


def _agreement(pair: Aligned, tolerance: Tolerance) -> Agreement | None:
    if pair.want.ndim != 2 or pair.want.size == 0:
        return None
    return agreement(pair.got, pair.want, allowed_error(pair.want.astype(np.float64), tolerance, pair.lengths))
