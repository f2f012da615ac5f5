"""Seccomp: the kernel answers only the system calls that computing takes, for all threads of this process, for good."""

from __future__ import annotations

import ctypes
import os
from typing import Final

from bridge.runtime.sandbox.filter_program import worker_filter
from bridge.runtime.sandbox.kernel import system_call
from bridge.runtime.sandbox.system_calls import this_architecture

_SET_MODE_FILTER: Final = 1
_ALL_THREADS: Final = 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def confine_system_calls() -> bool:
    """Install the worker's filter; False where there is none for this architecture or the kernel has no seccomp.

    Needs ``no_new_privs``. Raises ``OSError`` where the kernel refuses for another reason.
    """
    architecture = this_architecture()
    if architecture is None:
        return False
    code = worker_filter(architecture, os.getpid())
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(held))
    try:
        return system_call(architecture.seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.c_void_p(ctypes.addressof(program))) == 0
    except OSError as error:
        # ENOSYS: a kernel built without it. EINVAL: without filters.
        if error.errno in {38, 22}:
            return False
        raise
