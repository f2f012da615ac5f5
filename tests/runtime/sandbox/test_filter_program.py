"""The filter of system calls, run by a small interpreter of BPF here, on calls that no process has to make for that."""

import errno
import struct

import pytest

from bridge.runtime.sandbox.filter_program import worker_filter
from bridge.runtime.sandbox.system_calls import _ARCHITECTURES, Architecture

ALLOWED = "allowed"
KILLED = "killed"
PROCESS = 4242

X86 = _ARCHITECTURES["x86_64"]
ARM = _ARCHITECTURES["aarch64"]


def verdict(code: bytes, number: int, arguments: tuple[int, ...] = (), audit: int = X86.audit) -> str | int:
    """What the filter says to a call: allowed, killed, or the number of the error."""
    said = struct.pack("<IIQ6Q", number, audit, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    at, accumulator = 0, 0
    while True:
        operation, if_true, if_false, value = struct.unpack_from("<HBBI", code, 8 * at)
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", said, value)
        elif operation == 0x06:
            return {0x7FFF0000: ALLOWED, 0x80000000: KILLED}.get(value, int(value) & 0xFFFF)
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            at += if_true if holds else if_false


@pytest.mark.parametrize("architecture", [X86, ARM])
def test_what_computing_takes_is_allowed(architecture: Architecture) -> None:
    code = worker_filter(architecture, PROCESS)
    assert {verdict(code, number, audit=architecture.audit) for number in architecture.allowed.values()} == {ALLOWED}
    assert len(code) // 8 < 4096


# execve, fork, vfork, socket, connect, openat, ptrace, kill, mount, bpf, io_uring_setup, unshare, process_vm_readv, memfd_create
@pytest.mark.parametrize("number", [59, 57, 58, 41, 42, 257, 2, 101, 62, 165, 321, 425, 272, 310, 319, 322, 434, 317])
def test_other_calls_fail(number: int) -> None:
    assert verdict(worker_filter(X86, PROCESS), number) == errno.EPERM


@pytest.mark.parametrize(
    ("number", "arguments", "said"),
    [
        pytest.param(X86.mmap, (0, 4096, 3), ALLOWED, id="map memory"),
        pytest.param(X86.mmap, (0, 4096, 7), errno.EPERM, id="map memory to run"),
        pytest.param(X86.mprotect, (0, 4096, 1), ALLOWED, id="protect"),
        pytest.param(X86.mprotect, (0, 4096, 5), errno.EPERM, id="make memory executable"),
        pytest.param(X86.clone, (0x3D0F00,), ALLOWED, id="a thread"),
        pytest.param(X86.clone, (0x1200011,), errno.EPERM, id="a process"),
        pytest.param(435, (), errno.ENOSYS, id="clone3, whose flags cannot be seen"),
        pytest.param(X86.prctl, (15,), ALLOWED, id="name a thread"),
        pytest.param(X86.prctl, (4, 1), errno.EPERM, id="become traceable"),
        pytest.param(X86.tgkill, (PROCESS, 1, 6), ALLOWED, id="abort"),
        pytest.param(X86.tgkill, (1, 1, 9), errno.EPERM, id="a signal to another process"),
        pytest.param(X86.prlimit, (0, 7, 0), ALLOWED, id="read a limit"),
        pytest.param(X86.prlimit, (0, 7, 1), errno.EPERM, id="set a limit, low half"),
        pytest.param(X86.prlimit, (0, 7, 1 << 32), errno.EPERM, id="set a limit, high half"),
        pytest.param(158, (0x1023, 18), ALLOWED, id="ask for the matrix unit"),
        pytest.param(158, (0x1002, 0), errno.EPERM, id="move a segment"),
        pytest.param(463, (), errno.ENOSYS, id="a call of a later kernel"),
        pytest.param(0x40000001, (), errno.ENOSYS, id="a number of x32"),
    ],
)
def test_arguments_decide_where_they_matter(number: int, arguments: tuple[int, ...], said: str | int) -> None:
    assert verdict(worker_filter(X86, PROCESS), number, arguments) == said


def test_numbers_of_another_architecture_end_the_process() -> None:
    assert verdict(worker_filter(X86, PROCESS), 0, audit=0x40000003) == KILLED
