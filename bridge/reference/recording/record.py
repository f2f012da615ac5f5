"""Golden cases of one model: inputs given or generated, computed twice by the real CNTK, written down."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bridge.errors import InvalidInputsError, InvalidOptionError, ReferenceEvaluationError
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.reference.engine import ReferenceEngine
from bridge.reference.model_memory import ModelMemory
from bridge.reference.recording.case_folder import NewCase, write_case
from bridge.reference.recording.families import InputFamily, generate
from bridge.reference.recording.model_inputs import ModelInput, ModelPorts, model_ports
from bridge.reference.values import EVERYTHING, Array, Batch, Evaluation, ReferenceValue

SAMPLES = 5
_SAMPLES = 100_000

Report = Callable[[str, int, int], None]
"""Called with the name of the case that is begun, how many are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class RecordedCase:
    """A case that was written, or the reason why it was not."""

    name: str
    purpose: str
    folder: Path | None
    refusal: str  # CNTK's sentence; empty for a case that was written
    outputs: int = 0
    intermediates: int = 0
    unavailable: Mapping[str, str] | None = None  # inner values that CNTK did not give, and why
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Recording:
    """All cases of a model, and what computed them."""

    model_sha256: str
    cases: tuple[RecordedCase, ...]
    pinned: bool
    network: str
    files: str

    @property
    def written(self) -> int:
        """How many cases were written."""
        return sum(case.folder is not None for case in self.cases)

    def to_json(self) -> dict[str, Any]:
        """Everything in JSON's types."""
        return {
            "model_sha256": self.model_sha256,
            "pinned": self.pinned,
            "network": self.network,
            "files": self.files,
            "cases": [
                {
                    "name": case.name,
                    "purpose": case.purpose,
                    "folder": str(case.folder) if case.folder is not None else None,
                    "refusal": case.refusal,
                    "outputs": case.outputs,
                    "intermediates": case.intermediates,
                    "unavailable": dict(case.unavailable or {}),
                    "seconds": case.seconds,
                }
                for case in self.cases
            ],
        }


def record(
    model: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    inputs: str | os.PathLike[str] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    outputs: Sequence[str] | None = None,
    intermediates: bool = False,
    engine: ReferenceEngine | None = None,
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    report: Report = lambda _name, _done, _total: None,
) -> Recording:
    """Record golden cases of ``model`` below ``destination``.

    With ``inputs``, a ``.npz``, ``.npy`` or CTF text file, ``destination`` itself is the case; otherwise there is a folder in it
    for each family of generated inputs, with ``samples`` samples drawn from ``seed``. ``outputs`` are names or uids, by default
    the predictions that ``bridge convert`` converts. ``intermediates`` records every inner value as well. What CNTK refuses is
    no error: it is in the result with CNTK's reason.

    Raises ``InvalidInputsError`` for inputs that do not fit, ``ReferenceEngineError`` for an engine that is not there or was
    changed, ``UserCodeError``, ``SourceError`` and ``InvalidGraphError`` for the model, ``WriteError``.
    """
    if not 0 < samples <= _SAMPLES:
        raise InvalidOptionError(f"samples {samples}: expected 1 to {_SAMPLES}")
    with ModelMemory(model, limits) as memory:
        ports = model_ports(memory.model, outputs)
        if not ports.inputs and inputs is not None:
            raise InvalidInputsError("the outputs need no inputs")
        families = list(_given(Path(inputs), ports) if inputs is not None else generate(ports.inputs, samples, seed))
        engine = engine or ReferenceEngine.find()
        recorder = _Recorder(engine, memory, ports, Path(model).name, intermediates=intermediates, overwrite=overwrite)
        cases = []
        for number, family in enumerate(families):
            report(family.name, number, len(families))
            folder = Path(destination) if inputs is not None else Path(destination) / family.name
            cases.append(recorder.record(family, folder, {} if inputs is not None else {"seed": seed, "samples": samples}))
        report("done", len(families), len(families))
        return Recording(memory.sha256, tuple(cases), engine.pinned, recorder.network, recorder.files)


def _given(path: Path, ports: ModelPorts) -> Iterator[InputFamily]:
    if path.suffix in {".npz", ".npy"}:
        from bridge.reference.recording.arrays_file import read_arrays

        batches = read_arrays(path, ports.inputs)
    else:
        from bridge.reference.recording.ctf import read_ctf

        batches = read_ctf(path, ports.inputs)
    check_together(ports.inputs, batches)
    yield InputFamily(path.stem, f"values from {path.name}", batches)


def check_together(inputs: tuple[ModelInput, ...], batches: Mapping[str, Batch]) -> None:
    """``InvalidInputsError`` where inputs differ in the number of samples, or along one sequence axis in the lengths."""
    sizes: dict[str, int] = {}
    lengths: dict[str, tuple[str, list[int]]] = {}
    for item in inputs:
        value = batches[item.uid]
        if item.batched or isinstance(value, list):
            sizes[item.public_name] = len(value)
        if isinstance(value, list) and item.sequence_axis is not None:
            found = [len(sequence) for sequence in value]
            other, expected = lengths.setdefault(item.sequence_axis, (item.public_name, found))
            if found != expected:
                raise InvalidInputsError(
                    f"inputs {other} and {item.public_name} share the axis {item.sequence_axis!r}; their sequences have the "
                    f"lengths {expected[:10]} and {found[:10]}"
                )
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InvalidInputsError(f"inputs differ in their number of samples: {listed}")


class _Recorder:
    """One model and one engine; a case for each family."""

    def __init__(
        self,
        engine: ReferenceEngine,
        memory: ModelMemory,
        ports: ModelPorts,
        source: str,
        *,
        intermediates: bool,
        overwrite: bool,
    ) -> None:
        self._engine = engine
        self._memory = memory
        self._ports = ports
        self._source = source
        self._intermediates = intermediates
        self._overwrite = overwrite
        self.network = self.files = "unknown"

    def record(self, family: InputFamily, folder: Path, drawn: Mapping[str, int]) -> RecordedCase:
        try:
            computed = self._engine.evaluate_memory(self._memory, family.batches, self._ports.outputs, repeat=True)
            _refuse_unfit(computed)
            inner = self._engine.evaluate_memory(self._memory, family.batches, EVERYTHING) if self._intermediates else None
        except ReferenceEvaluationError as error:
            return RecordedCase(family.name, family.purpose, None, str(error))
        self.network, self.files = computed.confinement.network, computed.confinement.files
        outputs = tuple(computed.values.values())
        recorded = {value.variable.uid for value in outputs}
        inner_values = inner.values.values() if inner is not None else ()
        intermediates = tuple(value for value in inner_values if value.variable.uid not in recorded)
        case = NewCase(
            model=self._memory.view,
            model_sha256=self._memory.sha256,
            source=self._source,
            note=f"{family.name}: {family.purpose}",
            inputs=self._fed(computed, family.batches),
            outputs=outputs,
            intermediates=intermediates,
            operators=computed.operators,
            origin=self._origin(computed, inner, family, drawn),
        )
        write_case(folder, case, overwrite=self._overwrite)
        unavailable = inner.unavailable if inner is not None else {}
        seconds = computed.seconds + (inner.seconds if inner is not None else 0)
        return RecordedCase(family.name, family.purpose, folder, "", len(outputs), len(intermediates), unavailable, seconds)

    def _fed(self, computed: Evaluation, batches: Mapping[str, Batch]) -> tuple[ReferenceValue, ...]:
        """The inputs in CNTK's order, which is the order of a case's tensors, under the names that CNTK has for them."""
        by_name = {item.name: item.uid for item in self._ports.inputs}
        fed = []
        for variable in computed.arguments:
            uid = variable.uid if variable.uid in batches else by_name.get(variable.name, "")
            if uid in batches:
                fed.append(ReferenceValue(variable, batches[uid]))
        return tuple(fed)

    def _origin(
        self, computed: Evaluation, inner: Evaluation | None, family: InputFamily, drawn: Mapping[str, int]
    ) -> dict[str, Any]:
        origin: dict[str, Any] = {
            "engine": {"pinned": self._engine.pinned, "versions": dict(computed.versions)},
            "inputs": {"family": family.name, **drawn, "sha256": _digest(family.batches)},
        }
        if inner is not None:
            origin["intermediates"] = {"exact": inner.inner_values_exact, "unavailable": dict(inner.unavailable)}
        return origin


def _refuse_unfit(computed: Evaluation) -> None:
    """Golden is what CNTK computes, and computes again, for every output that was asked for."""
    if computed.unavailable:
        name, reason = next(iter(computed.unavailable.items()))
        raise ReferenceEvaluationError(f"CNTK gives no value for {name}: {reason}")
    if computed.differing:
        raise ReferenceEvaluationError(f"CNTK computed {', '.join(computed.differing)} twice, with different results")


def _digest(batches: Mapping[str, Batch]) -> str:
    """SHA-256 over all inputs: uid, shape, type and bytes of each."""
    running = hashlib.sha256()
    for uid, batch in sorted(batches.items()):
        parts: list[Array] = batch if isinstance(batch, list) else [batch]
        for part in parts:
            running.update(f"{uid} {part.dtype.name} {part.shape}\n".encode())
            running.update(np.ascontiguousarray(part).tobytes())
    return running.hexdigest()
