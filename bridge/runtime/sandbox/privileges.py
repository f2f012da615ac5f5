"""Giving up what a process may do: root, capabilities, new privileges, being looked into, the network."""

from __future__ import annotations

import ctypes
import os
from typing import Final

from bridge.runtime.sandbox.kernel import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, process_control, system_call, unshare
from bridge.runtime.sandbox.system_calls import this_architecture

# Nobody's, on every Linux: the kernel's own "overflow" user, who should own no file.
NOBODY: Final = 65534

_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES_VERSION_3: Final = 0x20080522


def leave_namespaces(*, with_user: bool) -> None:
    """Take a network and an IPC namespace of one's own, both empty. Raises ``OSError``.

    Root may do so as it is; everybody else needs a user namespace as well (``with_user``), where the system allows that.
    """
    unshare(_CLONE_NEWNET | _CLONE_NEWIPC | (_CLONE_NEWUSER if with_user else 0))


def lower_user() -> str:
    """Become nobody where this process is root; a sentence about what was done. Raises ``OSError`` where the system refuses."""
    if os.geteuid() != 0:
        return f"user {os.geteuid()}, which is not root"
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    return f"user {NOBODY} in place of root"


def drop_capabilities() -> None:
    """Give up all capabilities, also those that an own user namespace brings. Raises ``OSError``."""
    number = _CAPSET.get(os.uname().machine)
    if number is None or this_architecture() is None:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    system_call(number, ctypes.c_void_p(ctypes.addressof(header)), ctypes.c_void_p(ctypes.addressof(nothing)))


def forbid_new_privileges() -> None:
    """No program gives this process more than it has, and no other process of its user looks into it. Raises ``OSError``."""
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    process_control(PR_SET_DUMPABLE, 0)
