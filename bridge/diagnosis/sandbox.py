"""What the kernel offers to keep a process apart from everything else, each asked of the kernel itself."""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bridge.diagnosis.finding import Finding, State

_LANDLOCK_CREATE_RULESET = 444  # The same number on every architecture that has Landlock.
_LANDLOCK_VERSION = 1  # The flag that asks for the version instead of a ruleset.
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SECCOMP_ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
_SEALS = ("F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE")
_TRIAL_SECONDS = 20


def examine_sandbox() -> Iterator[Finding]:
    """Landlock, seccomp, user namespaces, sealed memory, bubblewrap."""
    if platform.system() != "Linux":
        yield Finding(
            "sandbox", "kernel", State.MISSING, platform.system(), "models run without a sandbox on other systems than Linux"
        )
        return
    abi = landlock_abi()
    yield _ability("Landlock", f"version {abi}" if abi else "", "a kernel from 5.13 on, with landlock in its lsm= list")
    actions = seccomp_actions()
    yield _ability("seccomp", "filters can be installed" if "errno" in actions else "", "a kernel with CONFIG_SECCOMP_FILTER")
    fault = user_namespaces_fault()
    yield _ability(
        "user namespaces", "" if fault else "a network namespace of its own can be had", "ask the administrator", fault
    )
    yield _ability("sealed memory", "memfd_create with seals" if memory_can_be_sealed() else "", "a kernel from 3.17 on")
    bubblewrap = shutil.which("bwrap")
    yield _ability("bubblewrap", bubblewrap or "", "apt-get install bubblewrap")


def landlock_abi() -> int:
    """The version of Landlock's interface, 0 where the kernel has none or it is switched off."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    answer = libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET), ctypes.c_void_p(), ctypes.c_size_t(0), ctypes.c_uint32(_LANDLOCK_VERSION)
    )
    return max(int(answer), 0)


def seccomp_actions() -> frozenset[str]:
    """What a seccomp filter can do about a system call; empty where there are no filters."""
    try:
        return frozenset(_SECCOMP_ACTIONS.read_text().split())
    except OSError:
        return frozenset()


def user_namespaces_fault() -> str:
    """Why a process of this user cannot have a network namespace of its own; empty where it can. Tried in another process."""
    flags = _CLONE_NEWUSER | _CLONE_NEWNET
    trial = (
        f"import ctypes, sys; libc = ctypes.CDLL(None, use_errno=True); sys.exit(libc.unshare({flags}) and ctypes.get_errno())"
    )
    command = [sys.executable, "-I", "-S", "-c", trial]
    try:
        ended = subprocess.run(command, capture_output=True, check=False, timeout=_TRIAL_SECONDS).returncode  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return os.strerror(ended) if ended else ""


def memory_can_be_sealed() -> bool:
    """Whether a file in memory can be made unchangeable."""
    try:
        descriptor = os.memfd_create("trial", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError:
        return False
    try:
        seals = sum(int(getattr(fcntl, name)) for name in _SEALS)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        return int(fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)) == seals
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _ability(name: str, detail: str, advice: str, fault: str = "") -> Finding:
    if detail:
        return Finding("sandbox", name, State.WORKS, detail)
    return Finding("sandbox", name, State.MISSING, fault or "the system does not offer it", advice)
