"""What is legal in a file and yet worth knowing before it is trusted. No weight is looked at: it would take too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bridge.graph.model import Function, Hazard, Variable
from bridge.source.v2.attributes import attribute_hazards
from bridge.source.v2.dictionary import Dictionary
from bridge.source.v2.functions import BLOCK_KEYS, PRIMITIVE_KEYS, USER_KEYS
from bridge.source.v2.resolve import unbound_placeholders
from bridge.source.v2.variables import KNOWN_KEYS

_TOP_KEYS = frozenset(("version", "type", "uid", "name", "root", "inputs", "primitive_functions", "state"))
_PATH_KEYS = ("SymListPath", "PhonePath", "StateListPath", "TransProbPath", "LatticeConfigPath")
_SHOWN = 80


def find_hazards(top: Dictionary, functions: Mapping[str, Function], leaves: Mapping[str, Variable]) -> Iterator[Hazard]:
    """All hazards of a model, in file order within each kind."""
    for function in functions.values():
        yield from _user_code(function)
        yield from _file_paths(function)
        yield from attribute_hazards(function)
        yield from _unprintable(function.uid, function.name)
    for leaf in leaves.values():
        yield from _unprintable(leaf.uid, leaf.name)
    for leaf in unbound_placeholders(functions, leaves):
        yield Hazard("unbound-placeholder", leaf.uid, "an argument was never connected: the model cannot be evaluated as a whole")
    yield from _unknown_keys("the model", top, _TOP_KEYS)
    for record in _records(top, "inputs"):
        yield from _unknown_keys(str(record["uid"]), record, KNOWN_KEYS)
    for record in _records(top, "primitive_functions"):
        known = USER_KEYS if record["type"] == "UserDefinedFunction" else PRIMITIVE_KEYS
        yield from _unknown_keys(str(record["uid"]), record, known | BLOCK_KEYS if BLOCK_KEYS & record.keys() else known)


def _records(top: Dictionary, key: str) -> Iterable[Dictionary]:
    vector = top[key]
    assert isinstance(vector, tuple)
    return (record for record in vector if isinstance(record, Dictionary))


def _user_code(function: Function) -> Iterator[Hazard]:
    code = function.user_code
    if code is not None:
        what = "opens the shared library" if code.native else "imports the Python module"
        yield Hazard(
            "user-code",
            function.uid,
            f"CNTK {what} {code.module[:_SHOWN]!r} for {code.op_name[:_SHOWN]!r}; here it is named, never run",
        )


def _file_paths(function: Function) -> Iterator[Hazard]:
    for key in _PATH_KEYS if function.op == "LatticeSequenceWithSoftmax" else ():
        path = function.attributes.get(key)
        if isinstance(path, str) and path:
            yield Hazard("file-path", function.uid, f"{key} names the file {path[:_SHOWN]!r}, which is never opened")


def _unprintable(uid: str, name: str) -> Iterator[Hazard]:
    for text in (uid, name):
        if not text.isprintable():
            yield Hazard("unprintable-name", uid, f"{text[:_SHOWN]!a} has control or direction-changing characters")


def _unknown_keys(subject: str, record: Dictionary, known: frozenset[str]) -> Iterator[Hazard]:
    if not record.keys() <= known:
        for key in sorted(record.keys() - known):
            yield Hazard("unknown-key", subject, f"{key[:_SHOWN]!r} means nothing to any release of CNTK")
