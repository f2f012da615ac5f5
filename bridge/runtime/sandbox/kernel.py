"""The few calls to the kernel that Python's own modules do not offer, by way of the C library."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def prepare() -> None:
    """Find the C library now: where files cannot be opened any more, it could not be found."""
    _library()


def system_call(number: int, *arguments: int | ctypes.c_void_p) -> int:
    """The result of a system call. Raises ``OSError`` with its number of error."""
    given = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    function = _library().syscall
    function.restype = ctypes.c_long
    result: int = function(ctypes.c_long(number), *given)
    return _checked(result)


def process_control(option: int, *arguments: int) -> int:
    """``prctl``. Raises ``OSError``."""
    given = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    result: int = _library().prctl(ctypes.c_int(option), *given)
    return _checked(result)


def unshare(flags: int) -> None:
    """Leave the namespaces named by ``flags``. Raises ``OSError``."""
    _checked(_library().unshare(ctypes.c_int(flags)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
