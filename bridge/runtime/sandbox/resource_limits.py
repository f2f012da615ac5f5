"""Limits of the kernel on a worker: memory, processors' time, files, processes. They can only be lowered from here on."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """``memory_bytes`` is what the process may map beyond what it has mapped when the limits are set; ``None`` sets no limit.

    That is address space, which a GPU's driver reserves without measure: it stays ``None`` there. ``cpu_seconds`` is for the
    whole life of the process. ``descriptors`` counts those that are open already, ``processes`` all processes and threads of
    the user.
    """

    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    descriptors: int = 32
    processes: int | None = None
    file_bytes: int = 0


def mapped_bytes() -> int:
    """The address space of this process."""
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * _PAGE


def set_limits(limits: ResourceLimits, mapped: int) -> None:
    """Lower this process's limits; ``mapped`` is ``mapped_bytes()`` where /proc can be read no more. Raises ``OSError``."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    _lower(resource.RLIMIT_NOFILE, limits.descriptors)
    _lower(resource.RLIMIT_MEMLOCK, 0)
    _lower(resource.RLIMIT_MSGQUEUE, 0)
    if limits.memory_bytes is not None:
        _lower(resource.RLIMIT_AS, mapped + limits.memory_bytes)
    if limits.cpu_seconds is not None:
        _lower(resource.RLIMIT_CPU, limits.cpu_seconds)
    if limits.processes is not None:
        _lower(resource.RLIMIT_NPROC, limits.processes)


def _lower(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (allowed, allowed))
