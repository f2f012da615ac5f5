"""Landlock: from here on, this process and its children open no file, bind and reach no port, and signal nobody outside.

No rule is added to the ruleset, so that everything that it handles is refused: a worker is handed all that it needs as open
descriptors. The rights differ from one ABI of the kernel to the next; all that the running one knows are handled. Needs no
privilege, only ``no_new_privs``; Linux 5.13 and later. See https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

from bridge.runtime.sandbox.kernel import system_call

# The same numbers on every architecture.
_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1

# How many rights over files each ABI has: bits 0 to n-1 (execute, write, read, ..., refer, truncate, ioctl on devices).
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP_RIGHTS: Final = 0b11  # bind and connect, from ABI 4
_SCOPES: Final = 0b11  # abstract Unix sockets and signals, from ABI 6


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


def landlock_abi() -> int:
    """The version of Landlock in this kernel; 0 where it has none or it is switched off."""
    try:
        return system_call(_CREATE_RULESET, 0, 0, _ASK_VERSION)
    except OSError:
        return 0


def handled_rights(abi: int) -> tuple[int, int, int]:
    """The rights over files, over the network, and the scopes that an ABI knows, as bits."""
    files = _FILE_RIGHTS[min(abi, max(_FILE_RIGHTS))]
    return (1 << files) - 1, _TCP_RIGHTS if abi >= 4 else 0, _SCOPES if abi >= 6 else 0


def forbid_everything() -> int:
    """Take all rights that the kernel's Landlock knows from this process, for good, and say which ABI it is.

    0 where there is no Landlock. Needs ``no_new_privs``. Raises ``OSError`` where the kernel refuses.
    """
    abi = landlock_abi()
    if abi < 1:
        return 0
    attributes = _RulesetAttributes(*handled_rights(abi))
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = system_call(_CREATE_RULESET, ctypes.c_void_p(ctypes.addressof(attributes)), size, 0)
    try:
        system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi
