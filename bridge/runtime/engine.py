"""onnxruntime, handed verified bytes and nothing else: no path, no library, no setting from the environment or from the model."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import DeadlineExceeded, InvalidOptionError, ModelFailedError
from bridge.runtime.admission.admitting import AdmittedModel
from bridge.runtime.external_weights import hand_over
from bridge.runtime.limits import RuntimeLimits

if TYPE_CHECKING:
    import onnxruntime

ENGINE_VARIABLES: Final = ("ORT_LOAD_CONFIG_FROM_MODEL",)
"""Variables of the environment by which the engine takes settings from files; removed before it loads anything."""

TELEMETRY_SWITCH: Final = "ORT_DISABLE_TELEMETRY"
"""The engine starts a thread that reports on its use when it is imported, unless this is set. Whoever sets it decides."""

LEAST_VERSION: Final = (1, 31)
"""Older releases have kernels with faults that a model can reach; see ``docs/runtime/attack-classes.md``."""

_FATAL: Final = 4  # The engine's messages hold text of the model, and go to standard error.


def create_session(admitted: AdmittedModel, limits: RuntimeLimits) -> onnxruntime.InferenceSession:
    """A session over an admitted model, within ``limits.load_seconds``.

    Raises ``DeadlineExceeded`` when that is not enough: the thread that loads is then told to stop, and left behind until the
    engine obeys. Raises ``ModelFailedError`` where the engine refuses the model.
    """
    os.environ.setdefault(TELEMETRY_SWITCH, "1")
    import onnxruntime

    _refuse_old(onnxruntime.__version__)
    for variable in ENGINE_VARIABLES:
        os.environ.pop(variable, None)
    providers = _providers(limits)
    options = session_options(limits)
    weights = hand_over(options, admitted.parsed.graph.initializers, admitted.external)
    found: list[Any] = []

    def load() -> None:
        try:
            found.append(onnxruntime.InferenceSession(bytes(admitted.model), options, providers=providers))
        except Exception as error:  # noqa: BLE001  # The engine raises classes of its own, without a common root.
            found.append(error)

    thread = threading.Thread(target=load, name="bridge-load", daemon=True)
    thread.start()
    thread.join(limits.load_seconds)
    if thread.is_alive():
        options.set_load_cancellation_flag(True)
        raise DeadlineExceeded(limits.load_seconds, "the loading of the model")
    if isinstance(found[0], Exception):
        raise ModelFailedError(f"the engine refuses the model: {found[0]}") from found[0]
    session: onnxruntime.InferenceSession = found[0]
    # The engine reads them where they are.
    session.verified_weights = weights
    return session


def session_options(limits: RuntimeLimits) -> onnxruntime.SessionOptions:
    """Options of a session: threads as asked for, ONNX alone, nothing written, nothing printed."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if limits.intra_op_threads is not None:
        options.intra_op_num_threads = limits.intra_op_threads
    if limits.inter_op_threads is not None:
        options.inter_op_num_threads = limits.inter_op_threads
    return options


def run_options() -> onnxruntime.RunOptions:
    """Options of a run, which another thread may tell to stop."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.log_severity_level = _FATAL
    return options


def _providers(limits: RuntimeLimits) -> list[str]:
    import onnxruntime

    missing = [name for name in limits.providers if name not in onnxruntime.get_available_providers()]
    if missing:
        have = ", ".join(onnxruntime.get_available_providers())
        raise InvalidOptionError(f"onnxruntime has no {missing[0]} here; it has {have}")
    return list(limits.providers)


def _refuse_old(version: str) -> None:
    parts = tuple(int(part) for part in version.split(".")[:2])
    if parts < LEAST_VERSION:
        least = ".".join(str(part) for part in LEAST_VERSION)
        raise InvalidOptionError(f"onnxruntime {version} is too old to be given models from elsewhere; install {least} or later")
