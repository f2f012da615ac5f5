"""Whether what should not matter does not: a second run, the number of threads, optimisations, the company in a batch.

===============  =========================================================  ============================================
check            two runs                                                   passes where
===============  =========================================================  ============================================
repeat           the same session twice                                     every bit is the same (on a GPU: it agrees)
threads          one thread, and as many as there are processors            it agrees
optimisation     onnxruntime without and with all graph optimisations       it agrees
batch            every sample alone, and all of them in one batch           it agrees
===============  =========================================================  ============================================

"Agrees" is the tolerance of the output's type, as beside CNTK: sums in another order are the same sums. Each check says besides
whether the bits are the same, and how far apart they are at most.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bridge.errors import BridgeError
from verify.equivalence.alignment import align
from verify.equivalence.backends import Array, Backend, Optimisation, RuntimeOptions
from verify.equivalence.cases import Batch, GoldenCase, RecordedVariable
from verify.equivalence.comparison import compare
from verify.equivalence.feeding import feeds, variable_name
from verify.equivalence.tolerances import tolerance_for
from verify.report.document import Determinism, DeterminismVerdict

SAMPLES_AT_MOST = 16
"""How many samples of a batch are run alone."""

Start = Callable[[RuntimeOptions], Backend]


@dataclass(frozen=True, slots=True)
class _Difference:
    """What two runs differ by."""

    identical: bool = True
    agrees: bool = True
    max_abs: float = 0.0
    where: str = ""

    def joined(self, other: _Difference) -> _Difference:
        return _Difference(
            self.identical and other.identical,
            self.agrees and other.agrees,
            max(self.max_abs, other.max_abs),
            self.where or other.where,
        )


def check_determinism(case: GoldenCase, start: Start) -> list[Determinism]:
    """All checks that the backend knows, on one case. ``start`` makes the backend anew, with the options it is handed."""
    backend = start(RuntimeOptions())
    name = backend.identity.name
    try:
        given = feeds(case, backend.inputs)
        plain = backend.run(given)
    except BridgeError as error:
        return [_failed("repeat", name, case, error)]
    strict = backend.identity.device == "cpu"
    checks: list[tuple[str, Callable[[], _Difference | str], bool]] = [
        ("repeat", lambda: _between(plain, backend.run(given)), strict),
    ]
    if "threads" in backend.identity.options:
        checks.append(("threads", lambda: _with_threads(start, given), False))
    if "optimisation" in backend.identity.options:
        checks.append(("optimisation", lambda: _with_optimisations(start, given, plain), False))
    checks.append(("batch", lambda: _with_batches(backend, case, plain), False))
    return [_checked(check, name, case, differ, must_be_identical=exact) for check, differ, exact in checks]


def _checked(
    check: str, backend: str, case: GoldenCase, differ: Callable[[], _Difference | str], *, must_be_identical: bool
) -> Determinism:
    try:
        found = differ()
    except BridgeError as error:
        return _failed(check, backend, case, error)
    if isinstance(found, str):
        detail = f"{case.name}: {found}"
        return Determinism(check=check, backend=backend, verdict=DeterminismVerdict.SKIPPED, identical=False, detail=detail)
    if found.identical:
        verdict = DeterminismVerdict.IDENTICAL
    else:
        verdict = DeterminismVerdict.AGREES if found.agrees and not must_be_identical else DeterminismVerdict.DIFFERS
    detail = f"{case.name}: {found.where}" if found.where else case.name
    return Determinism(
        check=check, backend=backend, verdict=verdict, identical=found.identical, max_abs=found.max_abs, detail=detail
    )


def _failed(check: str, backend: str, case: GoldenCase, error: BridgeError) -> Determinism:
    detail = f"{case.name}: {error}"
    return Determinism(check=check, backend=backend, verdict=DeterminismVerdict.ERROR, identical=False, detail=detail)


def _with_threads(start: Start, given: Mapping[str, Array]) -> _Difference | str:
    many = os.cpu_count() or 1
    if many == 1:
        return "this machine has one processor"
    one, all_of_them = (start(RuntimeOptions(threads=threads)).run(given) for threads in (1, many))
    return _between(one, all_of_them)


def _with_optimisations(start: Start, given: Mapping[str, Array], plain: Mapping[str, Array]) -> _Difference:
    return _between(start(RuntimeOptions(optimisation=Optimisation.OFF)).run(given), plain)


def _with_batches(backend: Backend, case: GoldenCase, plain: Mapping[str, Array]) -> _Difference | str:
    """Every sample alone beside its part of the batch. Outputs without a batch axis have no such part."""
    samples = _samples(case)
    names = {name: item for item in case.outputs if (name := variable_name(item.description, backend.outputs)) is not None}
    parts = {name: part for name, item in names.items() if (part := _parts(plain[name], item.value, samples)) is not None}
    if samples < 2 or not parts:
        return "the case has no batch of several samples, or no output of one"
    total = _Difference()
    for number in range(min(samples, SAMPLES_AT_MOST)):
        alone = backend.run(feeds(_sample(case, number), backend.inputs))
        for name, part in parts.items():
            pair = align(alone[name], part[number])
            if isinstance(pair, str):
                total = total.joined(_Difference(identical=False, agrees=False, where=f"{name}: sample {number}: {pair}"))
            else:
                total = total.joined(_difference(f"{name}, sample {number}", pair.got, pair.want))
    return total


def _samples(case: GoldenCase) -> int:
    """How many samples the batch has; 0 where there is none."""
    return max((len(item.value) for item in case.inputs if item.description.dynamic_axes), default=0)


def _parts(got: Array, recorded: Batch, samples: int) -> Sequence[Batch] | None:
    """What was computed for each sample, in the form of a recorded value; ``None`` without a batch axis."""
    if isinstance(recorded, list):
        pair = align(got, recorded)
        if isinstance(pair, str) or len(recorded) != samples:
            return None
        ends = np.cumsum([len(sequence) for sequence in recorded])[:-1]
        return [[rows] for rows in np.split(pair.got, ends)]
    if got.ndim == 0 or len(got) != samples or recorded.shape != got.shape:
        return None
    return [got[number : number + 1] for number in range(samples)]


def _sample(case: GoldenCase, number: int) -> GoldenCase:
    """The case with one of its samples for a batch."""

    def alone(item: RecordedVariable) -> RecordedVariable:
        return replace(item, value=item.value[number : number + 1]) if item.description.dynamic_axes else item

    return replace(case, inputs=tuple(map(alone, case.inputs)))


def _between(first: Mapping[str, Array], second: Mapping[str, Array]) -> _Difference:
    total = _Difference()
    for name, value in first.items():
        total = total.joined(_difference(name, second[name], value))
    return total


def _difference(where: str, got: Array, want: Array) -> _Difference:
    if got.dtype == want.dtype and got.shape == want.shape and got.tobytes() == want.tobytes():
        return _Difference()
    comparison = compare(got, want, tolerance_for(want.dtype))
    return _Difference(
        identical=False, agrees=comparison.agrees, max_abs=comparison.max_abs, where=f"{where}: {_sentence(comparison.reason())}"
    )


def _sentence(reason: str) -> str:
    return reason or "other bits, within the tolerance"
