"""The real CNTK: its answers of today beside those that were recorded, and the values inside a model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from bridge.errors import BridgeError
from bridge.reference.engine import ReferenceEngine
from bridge.reference.values import Wanted
from verify.equivalence.backends import Array, BackendIdentity
from verify.equivalence.backends.registry import CNTK
from verify.equivalence.cases import Batch, GoldenCase, RecordedVariable
from verify.equivalence.checking import RECORDED, failed_case, judged_case
from verify.equivalence.outputs import judge
from verify.equivalence.rules import Rules
from verify.report.document import Case, Output, OutputVerdict


class CntkValues:
    """Values inside a case's own model, by uid: what a bisection compares with. All are asked for in one evaluation."""

    def __init__(self, engine: ReferenceEngine, case: GoldenCase, uids: Sequence[str]) -> None:
        found = engine.evaluate(case.model_path(), _inputs(case), [Wanted(uid) for uid in uids]).values
        self._values: Mapping[str, Batch] = {uid: item.value for uid, item in found.items()}

    def value(self, uid: str) -> Batch | None:
        """The value of a variable; ``None`` where CNTK has none."""
        return self._values.get(uid)


def cntk_identity(engine: ReferenceEngine) -> BackendIdentity:
    """CNTK as reports call it, and whether each of its files is one of the lock's."""
    return BackendIdentity(CNTK, "2.7", "cpu", {"pinned": str(engine.pinned).lower()})


def check_with_cntk(engine: ReferenceEngine, case: GoldenCase, rules: Rules) -> Case:
    """The case on CNTK itself, which shows whether the recording can be had again."""
    started = time.perf_counter()
    wanted = [Wanted(item.description.uid, item.description.name) for item in case.outputs]
    try:
        found = engine.evaluate(case.model_path(), _inputs(case), wanted)
    except BridgeError as error:
        return failed_case(case.name, CNTK, error, time.perf_counter() - started)
    seconds = time.perf_counter() - started
    values = {uid: item.value for uid, item in found.values.items()}
    outputs = tuple(_judged(case, item, values.get(item.description.uid), found.unavailable, rules) for item in case.outputs)
    return judged_case(Case(case=case.name, backend=CNTK, reference=RECORDED, seconds=seconds, outputs=outputs))


def _inputs(case: GoldenCase) -> dict[str, Batch]:
    return {item.description.uid: item.value for item in case.inputs}


def _judged(
    case: GoldenCase, recorded: RecordedVariable, got: Batch | None, unavailable: Mapping[str, str], rules: Rules
) -> Output:
    description = recorded.description
    if got is None:
        reason = unavailable.get(description.uid, "CNTK gave no value")
        return Output(name=description.public_name, verdict=OutputVerdict.MISSING, dtype=description.dtype, reason=reason)
    if isinstance(got, list) and isinstance(recorded.value, list):
        steps = [len(sequence) for sequence in recorded.value]
        if [len(sequence) for sequence in got] != steps:
            reason = f"sequences of {[len(sequence) for sequence in got]} steps, recorded {steps}"
            return Output(name=description.public_name, verdict=OutputVerdict.DIFFERS, dtype=description.dtype, reason=reason)
    return judge(case.name, description.public_name, recorded, _joined(got), rules)


def _joined(value: Batch) -> Array:
    """Sequences one behind the other, which is the form of an output whose sequence axis is folded."""
    return np.concatenate(value) if isinstance(value, list) else value
