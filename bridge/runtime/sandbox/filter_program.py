"""The seccomp filter of a worker as a program of the kernel's classic BPF: what is not on the list is refused.

Refused calls fail with EPERM, so that a library that merely tries something carries on; calls that are newer than the tables,
and clone3 (whose flags a filter cannot see), fail with ENOSYS, which makes the C library take the older call. A call by
another architecture's numbers ends the process.
"""

from __future__ import annotations

import errno
import struct
from typing import Final

from bridge.runtime.sandbox.system_calls import Architecture

_LOAD: Final = 0x20  # 32 bits of the call's description into the accumulator
_EQUAL: Final = 0x15
_GREATER_OR_EQUAL: Final = 0x35
_ANY_OF_BITS: Final = 0x45
_RETURN: Final = 0x06

_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_FAIL: Final = 0x00050000

_NUMBER: Final = 0
_ARCHITECTURE: Final = 4

_CLONE3: Final = 435
_CLONE_THREAD: Final = 0x00010000
_PROT_EXEC: Final = 4
_PR_SET_NAME: Final = 15
_ARCH_GET_XCOMP_PERM: Final = 0x1022
_ARCH_REQ_XCOMP_PERM: Final = 0x1023


def _low(argument: int) -> int:
    """Where the lower half of an argument of the call stands in its description, on a little-endian machine."""
    return 16 + 8 * argument


def _high(argument: int) -> int:
    return _low(argument) + 4


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _answer(action: int) -> bytes:
    return _instruction(_RETURN, action)


_REFUSE = _answer(_FAIL | errno.EPERM)


def _for_call(number: int, body: bytes) -> bytes:
    """Run ``body``, which has to end in answers, for one call, and skip it for others. The number is in the accumulator."""
    return _instruction(_EQUAL, number, 0, len(body) // 8) + body


def _if_one_of(values: tuple[int, ...], argument: int) -> bytes:
    """Allow where the lower half of an argument is one of ``values``."""
    tests = b"".join(_instruction(_EQUAL, value, len(values) - index, 0) for index, value in enumerate(values))
    return _instruction(_LOAD, _low(argument)) + tests + _REFUSE + _answer(_ALLOW)


def _if_without(bits: int, argument: int) -> bytes:
    return _instruction(_LOAD, _low(argument)) + _instruction(_ANY_OF_BITS, bits, 0, 1) + _REFUSE + _answer(_ALLOW)


def _if_with(bits: int, argument: int) -> bytes:
    return _instruction(_LOAD, _low(argument)) + _instruction(_ANY_OF_BITS, bits, 1, 0) + _REFUSE + _answer(_ALLOW)


def _if_zero(argument: int) -> bytes:
    halves = _instruction(_LOAD, _low(argument)) + _instruction(_EQUAL, 0, 0, 2)
    return halves + _instruction(_LOAD, _high(argument)) + _instruction(_EQUAL, 0, 1, 0) + _REFUSE + _answer(_ALLOW)


def worker_filter(architecture: Architecture, process: int) -> bytes:
    """The filter for the worker whose process number, as it sees it itself, is ``process``: 8 bytes per instruction.

    Threads may be made, processes not; memory may be mapped, but not to run code from it; a signal may be sent to itself alone,
    which is how the C library aborts; limits may be read, not set.
    """
    calls = [_for_call(number, _answer(_ALLOW)) for number in architecture.allowed.values()]
    calls += [
        _for_call(architecture.mmap, _if_without(_PROT_EXEC, 2)),
        _for_call(architecture.mprotect, _if_without(_PROT_EXEC, 2)),
        _for_call(architecture.clone, _if_with(_CLONE_THREAD, 0)),
        _for_call(architecture.prctl, _if_one_of((_PR_SET_NAME,), 0)),
        _for_call(architecture.tgkill, _if_one_of((process,), 0)),
        _for_call(architecture.prlimit, _if_zero(2)),
        _for_call(_CLONE3, _answer(_FAIL | errno.ENOSYS)),
    ]
    if architecture.arch_prctl is not None:
        # The processor's matrix unit has to be asked for; without it onnxruntime takes slower kernels.
        calls.append(_for_call(architecture.arch_prctl, _if_one_of((_ARCH_GET_XCOMP_PERM, _ARCH_REQ_XCOMP_PERM), 0)))
    newer = _instruction(_GREATER_OR_EQUAL, architecture.greatest + 1, 0, 1) + _answer(_FAIL | errno.ENOSYS)
    return b"".join(
        (
            _instruction(_LOAD, _ARCHITECTURE),
            _instruction(_EQUAL, architecture.audit, 1, 0),
            _answer(_KILL_PROCESS),
            _instruction(_LOAD, _NUMBER),
            *calls,
            newer,
            _REFUSE,
        )
    )
