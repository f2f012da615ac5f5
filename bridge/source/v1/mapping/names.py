"""From node names of a v1 file to uids and names of variables and functions."""

from __future__ import annotations

from collections.abc import Callable

_UID_PREFIX = "__v2libuid__"
_NAME_PREFIX = "__v2libname__"


def split_name(node_name: str) -> tuple[str, str]:
    """The uid and the name that a node name holds.

    CNTK 2 wraps both of its own into one when it saves in the v1 format. Any other node name serves as both, which keeps
    a BrainScript model addressable by the names its author gave.
    """
    at = node_name.find(_UID_PREFIX)
    if at >= 0:
        start = at + len(_UID_PREFIX)
        middle = node_name.find(_NAME_PREFIX, start)
        if middle > start:
            return node_name[start:middle], node_name[middle + len(_NAME_PREFIX) :]
    return node_name, node_name


def output_uid(function_uid: str, index: int = 0) -> str:
    """The uid of an output of a function, as CNTK 2 forms it."""
    return f"{function_uid}_Output_{index}"


class UidRegistry:
    """Hands out uids that differ from one another, whatever names a file holds."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def variable(self, wanted: str) -> str:
        """A uid for a variable: ``wanted``, or if that is taken the same with a number."""
        return self._claim(wanted, lambda uid: (uid,))

    def function(self, wanted: str, outputs: int = 1) -> str:
        """A uid for a function such that the uids of its outputs are free as well."""
        return self._claim(wanted, lambda uid: (uid, *(output_uid(uid, index) for index in range(outputs))))

    def _claim(self, wanted: str, family: Callable[[str], tuple[str, ...]]) -> str:
        candidate = wanted
        while not self._taken.isdisjoint(family(candidate)):
            # Counting per name keeps this linear, however often a hostile file repeats one.
            number = self._next.get(wanted, 2)
            self._next[wanted] = number + 1
            candidate = f"{wanted}#{number}"
        self._taken.update(family(candidate))
        return candidate
