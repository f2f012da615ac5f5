"""Numbers of the system calls that a worker needs, for the architectures that the filter is written for.

They are what the Python interpreter, the C library's allocator and threads, and onnxruntime's CPU kernels call between the
start of a worker and its end, and nothing that names a file, a process or an address.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Architecture:
    """``audit`` is the number by which a filter knows the architecture; ``greatest`` the greatest number that the tables know."""

    audit: int
    allowed: Mapping[str, int]
    clone: int
    prctl: int
    tgkill: int
    mmap: int
    mprotect: int
    prlimit: int
    arch_prctl: int | None
    seccomp: int
    greatest: int


# The most frequent ones first: the filter looks in this order.
_X86_64 = {
    "futex": 202,
    "recvfrom": 45,
    "sendto": 44,
    "read": 0,
    "write": 1,
    "munmap": 11,
    "madvise": 28,
    "sched_yield": 24,
    "clock_gettime": 228,
    "clock_nanosleep": 230,
    "nanosleep": 35,
    "brk": 12,
    "mremap": 25,
    "close": 3,
    "fstat": 5,
    "poll": 7,
    "ppoll": 271,
    "lseek": 8,
    "readv": 19,
    "writev": 20,
    "rt_sigaction": 13,
    "rt_sigprocmask": 14,
    "rt_sigreturn": 15,
    "sigaltstack": 131,
    "getpid": 39,
    "gettid": 186,
    "getrusage": 98,
    "sysinfo": 99,
    "uname": 63,
    "gettimeofday": 96,
    "time": 201,
    "clock_getres": 229,
    "getcpu": 309,
    "sched_getaffinity": 204,
    "set_robust_list": 273,
    "rseq": 334,
    "set_tid_address": 218,
    "getrandom": 318,
    "membarrier": 324,
    "restart_syscall": 219,
    "exit": 60,
    "exit_group": 231,
}
_AARCH64 = {
    "futex": 98,
    "recvfrom": 207,
    "sendto": 206,
    "read": 63,
    "write": 64,
    "munmap": 215,
    "madvise": 233,
    "sched_yield": 124,
    "clock_gettime": 113,
    "clock_nanosleep": 115,
    "nanosleep": 101,
    "brk": 214,
    "mremap": 216,
    "close": 57,
    "fstat": 80,
    "ppoll": 73,
    "lseek": 62,
    "readv": 65,
    "writev": 66,
    "rt_sigaction": 134,
    "rt_sigprocmask": 135,
    "rt_sigreturn": 139,
    "sigaltstack": 132,
    "getpid": 172,
    "gettid": 178,
    "getrusage": 165,
    "sysinfo": 179,
    "uname": 160,
    "gettimeofday": 169,
    "clock_getres": 114,
    "getcpu": 168,
    "sched_getaffinity": 123,
    "set_robust_list": 99,
    "rseq": 293,
    "set_tid_address": 96,
    "getrandom": 278,
    "membarrier": 283,
    "restart_syscall": 128,
    "exit": 93,
    "exit_group": 94,
}

# The newest call of Linux 6.10. What is newer is answered as by a kernel that does not have it, so that libraries fall back.
_GREATEST: Final = 462

_ARCHITECTURES: Final = {
    "x86_64": Architecture(0xC000003E, _X86_64, 56, 157, 234, 9, 10, 302, 158, 317, _GREATEST),
    "aarch64": Architecture(0xC00000B7, _AARCH64, 220, 167, 131, 222, 226, 261, None, 277, _GREATEST),
}


def this_architecture() -> Architecture | None:
    """The tables for the running machine; ``None`` where there are none."""
    return _ARCHITECTURES.get(platform.machine())
