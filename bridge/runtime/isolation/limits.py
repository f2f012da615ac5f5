"""What a model's workers may take, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IsolationLimits:
    """``workers`` run at once, ``spares`` more stand ready, loaded, for when one is lost.

    ``memory_bytes`` is what a worker may map for the model and its work, beyond the interpreter, the engine's code and the areas
    for tensors. On a GPU ``gpu_memory_bytes`` limits the engine's arena, and nothing the host's (``docs/runtime-isolation.md``).
    ``grace_seconds`` is how long a run that was told to stop may take to do so before its worker is killed; the caller does not
    wait for that. ``minimum_sandbox`` is the least level under which the model may run, in the words of
    ``bridge.runtime.sandbox.report``.
    """

    workers: int = 1
    spares: int = 1
    memory_bytes: int | None = 4 << 30
    gpu_memory_bytes: int | None = None
    cpu_seconds: int | None = None
    grace_seconds: float = 0.1
    minimum_sandbox: str = "rlimits"


DEFAULT_ISOLATION_LIMITS = IsolationLimits()
