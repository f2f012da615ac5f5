"""The engine inside a worker: a session from mapped bytes, and one run at a time that can be told to stop."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from bridge.runtime.admission.reading import read_model
from bridge.runtime.engine import run_options, session_options
from bridge.runtime.external_weights import hand_over
from bridge.runtime.features import Cut, features_model
from bridge.runtime.isolation.job import Job
from bridge.runtime.limits import ModelLimits, RuntimeLimits

Array = np.ndarray[Any, np.dtype[Any]]

# The parent has admitted the model within the limits that its user chose. Here time and memory are bounded by the process.
_AS_ADMITTED: Final = ModelLimits(fields=1 << 62, messages=1 << 62, wire_depth=1 << 10, text_bytes=1 << 31)


def make_session(job: Job, model: memoryview, external: Mapping[str, memoryview]) -> ort.InferenceSession:
    """The session of a worker. The files beside the model are handed over in memory, since no path can be opened here."""
    # Without a number the engine pins threads to processors, which the sandbox refuses.
    threads = job.intra_op_threads or len(os.sched_getaffinity(0))
    options = session_options(RuntimeLimits(intra_op_threads=threads, inter_op_threads=job.inter_op_threads or 1))
    # Threads that spin while they wait would take the processor from the other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    weights = hand_over(options, read_model(model, _AS_ADMITTED).graph.initializers, external) if external else []
    session = ort.InferenceSession(bytes(model), options, providers=[(name, dict(chosen)) for name, chosen in job.providers])
    # The engine reads them where they are.
    session.mapped_weights = weights
    return session


def make_features_session(job: Job, model: memoryview, external: Mapping[str, memoryview]) -> ort.InferenceSession | None:
    """Another session of a worker, for the features of the same model; ``None`` where nobody asks for them."""
    if job.features is None:
        return None
    return make_session(job, memoryview(features_model(model, Cut(*job.features))), external)


class StoppableRun:
    """The run that is under way, for another thread to stop it by its number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._options = run_options()
        self._current: int | None = None
        self.stopped = False

    def run(self, session: ort.InferenceSession, sequence: int, wanted: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        """The wanted outputs. Raises whatever the engine raises, also when it was stopped (``stopped`` is true then)."""
        if self.stopped:
            self._options = run_options()
            self.stopped = False
        self._current = sequence
        try:
            found: list[Array] = session.run(wanted, feeds, self._options)
        finally:
            # Under the lock, so that a word that comes now does not stop the next run, which has the same options.
            with self._lock:
                self._current = None
        return found

    def stop(self, sequence: int) -> None:
        """Tell the run ``sequence`` to stop at the next operator; nothing where it is over."""
        with self._lock:
            if self._current == sequence:
                self.stopped = True
                self._options.terminate = True
