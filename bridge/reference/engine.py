"""``ReferenceEngine``: a model and inputs go in, what CNTK 2.7 computes comes out."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from bridge.errors import ReferenceEvaluationError
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.reference.environment import Environment, default_root, external_from_variables, installed_environment, not_installed
from bridge.reference.exchange import Answer, read_answer, read_list, read_texts, read_variable, write_request
from bridge.reference.integrity import InstalledFiles, IntegrityReport
from bridge.reference.isolation import environment_variables, sandboxed
from bridge.reference.lock import Lock
from bridge.reference.model_memory import ModelMemory
from bridge.reference.process import Ended, run_until
from bridge.reference.values import Batch, Confinement, EngineLimits, Evaluation, Everything, Wanted

SEED = 20190426
"""Of everything that CNTK draws at random while it evaluates."""

_PROGRAM = "cntk_side"


class ReferenceEngine:
    """The real CNTK 2.7, started anew for each evaluation in a process that can reach next to nothing.

    A pinned environment is checked file by file against the lock when the engine is made, which raises
    ``ReferenceChangedError`` if anything is off; before each evaluation, that no file was touched since.
    """

    def __init__(self, environment: Environment, limits: EngineLimits | None = None, lock: Lock | None = None) -> None:
        self.environment = environment
        self.limits = limits or EngineLimits()
        self.integrity: IntegrityReport | None = None
        self._files = InstalledFiles(environment.root, lock) if environment.root is not None else None
        if self._files is not None:
            self.integrity = self._files.check_contents()

    @classmethod
    def find(cls, root: Path | None = None, limits: EngineLimits | None = None) -> ReferenceEngine:
        """The installed engine, or the one that ``BRIDGE_CNTK_PYTHON`` names; ``ReferenceMissingError`` where there is neither.

        A folder named here is the one that counts: an engine from the environment's variables does not take its place.
        """
        environment = installed_environment(root or default_root())
        if environment is None and root is None:
            environment = external_from_variables()
        if environment is None:
            raise not_installed(root or default_root())
        return cls(environment, limits)

    @property
    def pinned(self) -> bool:
        """Whether every module of it comes from a wheel of the lock."""
        return self.environment.pinned

    def evaluate(
        self,
        model: bytes | str | os.PathLike[str],
        inputs: Mapping[str, Batch],
        wanted: Sequence[str | Wanted] | Everything | None = None,
        *,
        timeout: float | None = None,
        repeat: bool = False,
        source_limits: Limits = DEFAULT_LIMITS,
    ) -> Evaluation:
        """What CNTK computes.

        ``inputs`` are keyed by uid or name; values have the shapes of golden cases. ``wanted`` names any variables, inner ones
        included, by uid or name; ``EVERYTHING`` asks for all of them, None for the model's outputs. What depends on an input that
        was not given, or cannot be computed, is in ``Evaluation.unavailable``. ``repeat`` evaluates a second time and compares
        bit by bit. ``timeout`` is in seconds.

        Raises ``UserCodeError`` for a model with user-defined functions, ``SourceError`` for one that cannot be read, and
        ``ReferenceEvaluationError`` where CNTK refuses, crashes or does not end in time.
        """
        with ModelMemory(model, source_limits) as memory:
            return self._ask(memory, inputs, _wanted_document(wanted), timeout or self.limits.seconds, repeat=repeat)

    def evaluate_memory(
        self,
        memory: ModelMemory,
        inputs: Mapping[str, Batch],
        wanted: Sequence[str | Wanted] | Everything | None = None,
        *,
        timeout: float | None = None,
        repeat: bool = False,
    ) -> Evaluation:
        """As ``evaluate``, for a model that is asked more than one question and is read once."""
        return self._ask(memory, inputs, _wanted_document(wanted), timeout or self.limits.seconds, repeat=repeat)

    def _ask(self, memory: ModelMemory, inputs: Mapping[str, Batch], wanted: Any, seconds: float, *, repeat: bool) -> Evaluation:
        if self._files is not None:
            self._files.check_untouched()
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bridge-reference-") as name:
            request, result = Path(name, "request"), Path(name, "result")
            request.mkdir()
            result.mkdir()
            _copy_program(request)
            command = [*self.environment.start, str(request / _PROGRAM / "__main__.py"), str(request), str(result)]
            command, inside = sandboxed(
                [*command, f"/proc/self/fd/{memory.descriptor}"],
                readable=self.environment.folders(),
                request=request,
                result=result,
            )
            document = {"wanted": wanted, "repeat": repeat, "seed": SEED, **self._settings(seconds, inside_bubblewrap=inside)}
            write_request(request, document, inputs)
            ended = run_until(
                command,
                variables=environment_variables(self.environment.library_folders),
                folder=result,
                log=Path(name, "log"),
                seconds=seconds,
                descriptors=[memory.descriptor],
            )
            answer = _checked(read_answer(result, self.limits), ended)
        return _evaluation(answer, memory.sha256, time.monotonic() - started)

    def _settings(self, seconds: float, *, inside_bubblewrap: bool) -> dict[str, Any]:
        return {
            "module_folders": [str(folder) for folder in self.environment.module_folders],
            "limits": {
                "memory_bytes": self.limits.memory_bytes,
                "cpu_seconds": int(2 * seconds) + 1,
                "output_bytes": self.limits.output_bytes,
                "inside_bubblewrap": inside_bubblewrap,
            },
        }


def _wanted_document(wanted: Sequence[str | Wanted] | Everything | None) -> Any:
    if wanted is None or isinstance(wanted, Everything):
        return None if wanted is None else wanted.value
    entries = [Wanted(entry, entry) if isinstance(entry, str) else entry for entry in wanted]
    return [{"key": entry.uid, "uid": entry.uid, "name": entry.name} for entry in entries]


def _copy_program(folder: Path) -> None:
    """What runs under Python 3.6, from this package to a folder that the sandbox shows."""
    (folder / _PROGRAM).mkdir()
    for item in resources.files("bridge.reference").joinpath(_PROGRAM).iterdir():
        if item.name.endswith(".py"):
            with resources.as_file(item) as path:
                shutil.copyfile(path, folder / _PROGRAM / item.name)


def _checked(answer: Answer | None, ended: Ended) -> Answer:
    """The answer of an engine that came to its end; ``ReferenceEvaluationError`` with its last words otherwise."""
    if answer is None or ended.status != 0:
        said = f"; the last it wrote: {ended.last_lines}" if ended.last_lines else ""
        raise ReferenceEvaluationError(f"CNTK's process {ended.how()} without an answer{said}")
    error = answer.document.get("error")
    if error is not None:
        raise ReferenceEvaluationError(f"CNTK does not evaluate this model on these inputs: {str(error)[:2000]}")
    return answer


def _evaluation(answer: Answer, sha256: str, seconds: float) -> Evaluation:
    document = answer.document
    reached = document.get("confinement")
    reached = reached if isinstance(reached, dict) else {}
    exact = document.get("inner_values_exact")
    return Evaluation(
        values=answer.values,
        unavailable=read_texts(document, "unavailable"),
        arguments=tuple(read_variable(entry) for entry in read_list(document, "arguments")),
        operators=tuple(str(name) for name in read_list(document, "operators")),
        model_sha256=sha256,
        confinement=Confinement(
            network=str(reached.get("network")),
            files=str(reached.get("files")),
            writable_elsewhere=reached.get("writable_elsewhere") is not False,
        ),
        versions=read_texts(document, "versions"),
        seconds=seconds,
        differing=tuple(str(key) for key in read_list(document, "differing")) if "differing" in document else None,
        inner_values_exact=None if exact is None else exact is True,
    )
