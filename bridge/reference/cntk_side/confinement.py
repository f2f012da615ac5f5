"""Gives up what an evaluation does not need: the network, files to write to, privileges, unlimited resources.

Runs before CNTK is loaded. What could not be given up, because a container or an old kernel does not let it, is reported
and not hidden; what the process can still reach is measured at the end, whoever took the rest away.
"""

import ctypes
import os
import resource
import signal
import socket

from cntk_side.landlock import allow_writing_only_below

_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


def confine(limits, writable_folder):
    """Confine this process for good; returns what was reached.

    `limits` are `memory_bytes`, `cpu_seconds`, `output_bytes`; `inside_bubblewrap` of it says that the files outside are
    out of reach already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _limit_resources(limits)
    if limits["inside_bubblewrap"]:
        files = "bubblewrap"
    else:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC)
        files = "landlock" if allow_writing_only_below(libc, writable_folder) else "open"
    interfaces = sorted(name for _, name in socket.if_nameindex())
    return {
        "network": "none" if set(interfaces) <= {"lo"} and not _reaches_out() else "reachable",
        "interfaces": interfaces,
        "files": files,
        "writable_elsewhere": _writable_elsewhere(),
    }


def _limit_resources(limits):
    wanted = (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, limits["output_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    )
    for which, amount in wanted:
        hard = resource.getrlimit(which)[1]
        bound = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(which, (bound, bound))


def _reaches_out():
    """Whether a datagram socket finds a route to an address that is reserved for documentation. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return False
    return True


def _writable_elsewhere():
    """Whether a file can be created in the user's home folder or in this interpreter's own."""
    for folder in {os.path.expanduser("~"), os.path.dirname(os.path.abspath(os.__file__))}:
        path = os.path.join(folder, ".bridge-probe-%d" % os.getpid())
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except OSError:
            continue
        os.close(descriptor)
        os.unlink(path)
        return True
    return False
