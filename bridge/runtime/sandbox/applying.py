"""The sandbox in two steps: what the fork server gives up before any worker exists, and what each worker gives up itself.

The server's step comes after everything that will be needed is imported, since nothing can be opened afterwards, and its children
inherit it. It leaves out the filter of system calls and the limit on memory: the server has to fork, and each model has limits of
its own. No step is taken for granted: the report says which the system refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from bridge.runtime.sandbox import kernel
from bridge.runtime.sandbox.landlock import forbid_everything
from bridge.runtime.sandbox.privileges import NOBODY, drop_capabilities, forbid_new_privileges, leave_namespaces, lower_user
from bridge.runtime.sandbox.report import SandboxLevel, SandboxReport
from bridge.runtime.sandbox.resource_limits import ResourceLimits, mapped_bytes, set_limits
from bridge.runtime.sandbox.seccomp import confine_system_calls

# Processes and threads that the user of a worker may have beyond those that run when the server starts.
_MORE_PROCESSES: Final = 1024
_REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True)
class ServerConfinement:
    """What the server gave up, for the reports of its workers."""

    landlock_abi: int
    mapped: int
    processes: int
    details: dict[str, str]


def confine_server() -> ServerConfinement:
    """Give up network, privileges and files, as far as the system lets this process."""
    kernel.prepare()
    # Before the user changes: from then on, even this process's own files in /proc may be closed to it.
    mapped = mapped_bytes()
    counted = tasks_of(NOBODY if os.geteuid() == 0 else os.geteuid())
    details: dict[str, str] = {}
    alone = _done(partial(leave_namespaces, with_user=False), "own network and IPC")
    # Within a user namespace root could not be left any more, so that comes first.
    details["user"] = _said(lower_user)
    refused = alone.startswith(_REFUSED)
    details["namespaces"] = _done(partial(leave_namespaces, with_user=True), "own user, network and IPC") if refused else alone
    details["capabilities"] = _done(drop_capabilities, "dropped")
    details["privileges"] = _done(forbid_new_privileges, "no new ones, not to be traced")
    try:
        abi = forbid_everything()
        details["landlock"] = f"ABI {abi}: no file, no port, no signal" if abi else "not in this kernel"
    except OSError as error:
        abi = 0
        details["landlock"] = f"{_REFUSED}: {error.strerror}"
    return ServerConfinement(abi, mapped, counted + _MORE_PROCESSES, details)


def confine_worker(server: ServerConfinement, limits: ResourceLimits) -> SandboxReport:
    """Set a worker's limits and its filter of system calls, and say what holds it altogether."""
    details = dict(server.details)
    level = SandboxLevel.NONE
    limits = replace(limits, processes=server.processes)
    try:
        set_limits(limits, server.mapped)
    except (OSError, ValueError) as error:
        details["rlimits"] = f"{_REFUSED}: {error}"
    else:
        memory = "no limit of memory" if limits.memory_bytes is None else f"{limits.memory_bytes >> 20} MiB"
        details["rlimits"] = f"{memory}, no file to write, no core dump, {limits.descriptors} descriptors"
        level = SandboxLevel.RLIMITS
    try:
        filtered = confine_system_calls()
        details["seccomp"] = "only what computing takes" if filtered else "not in this kernel, or not for this processor"
    except OSError as error:
        filtered = False
        details["seccomp"] = f"{_REFUSED}: {error.strerror}"
    if filtered and level is SandboxLevel.RLIMITS:
        level = SandboxLevel.LANDLOCK if server.landlock_abi else SandboxLevel.SECCOMP
    return SandboxReport(level, server.landlock_abi, details)


def tasks_of(user: int) -> int:
    """How many processes and threads a user has, as far as /proc shows them."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == user:
                count += sum(1 for _ in (folder / "task").iterdir())
        except OSError:  # It ended meanwhile.
            continue
    return count


def _said(step: Callable[[], str]) -> str:
    try:
        return step()
    except OSError as error:
        return f"{_REFUSED}: {error.strerror}"


def _done(step: Callable[[], None], said: str) -> str:
    try:
        step()
    except OSError as error:
        return f"{_REFUSED}: {error.strerror}"
    return said
