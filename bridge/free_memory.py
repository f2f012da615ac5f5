"""How much memory can still be had, so that a file that would exhaust it is refused before it is read.

A file's length costs nothing to write: a sparse file of a terabyte takes one block of its disk. Whoever copies such a file into
memory is ended by the system, without a word.
"""

from __future__ import annotations

import sys
from pathlib import Path

_MEMORY_INFORMATION = Path("/proc/meminfo")
_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes that a process may take: what the system calls available, or the limit of its control group where that is less.

    ``sys.maxsize`` where the system does not say.
    """
    return min(_available(), *_group_limits(), sys.maxsize)


def _available() -> int:
    for line in _lines(_MEMORY_INFORMATION):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) << 10  # Stated in KiB.
    return sys.maxsize


def _group_limits() -> list[int]:
    """The limits of the groups that this process is in, of either version of control groups, as a container sees them."""
    limits = []
    for line in _lines(_OWN_GROUPS):
        _, controllers, own = line.split(":", 2)
        if not controllers:
            places = [(_GROUPS, "memory.max")]
        elif "memory" in controllers.split(","):
            places = [(_GROUPS / "memory", "memory.limit_in_bytes")]
        else:
            continue
        # Inside a container the path is often the one outside, where the group itself is mounted as the root.
        for root, name in places:
            for folder in (root, root / own.lstrip("/")):
                limits += [int(text) for text in _lines(folder / name) if text.isdigit()]  # "max" is no limit.
    return limits


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
