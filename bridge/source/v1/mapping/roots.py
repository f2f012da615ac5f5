"""Which functions a model computes for their own sake, and the Combine that joins them."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.errors import InvalidGraphError
from bridge.graph.model import Function
from bridge.source.v1.cursor import shown
from bridge.source.v1.mapping.builder import Builder
from bridge.source.v1.raw import RawModel

_ROOT_GROUPS = ("output", "evaluation", "criterion")
_DELAYS = frozenset({"PastValue", "FutureValue"})


def add_root(builder: Builder) -> str:
    """Add one Combine over all roots, predictions first; its uid.

    Roots are the nodes that the file lists as outputs, then those that no other node uses (lists are often incomplete), then
    what the file lists for evaluation and as criteria, and last one node of every loop that nothing leads out of.
    """
    raw = builder.raw
    listed = {group: raw.groups.get(group, ()) for group in _ROOT_GROUPS}
    losses = {*listed["evaluation"], *listed["criterion"]} - set(listed["output"])
    unused = (name for name in raw.nodes if builder.consumers[name] == 0 and name not in losses)
    ordered = [*listed["output"], *unused, *listed["evaluation"], *listed["criterion"]]
    computed = {output for function in builder.functions.values() for output in function.outputs}
    roots = dict.fromkeys(name for name in ordered if builder.values.get(name, "") in computed)
    roots.update(dict.fromkeys(_unreached(builder, roots)))
    if not roots:
        raise InvalidGraphError("the model has no node that computes anything")
    uid = builder.uids.function("Combine", outputs=0)
    builder.add_function(Function(uid, "Combine", tuple(builder.values[name] for name in roots), ()))
    return uid


def _unreached(builder: Builder, roots: Iterable[str]) -> list[str]:
    """Nodes such that everything is reached from them and from ``roots``; delays only where nothing else would do."""
    raw = builder.raw
    reached: set[str] = set()
    _mark(raw, roots, reached)
    added: list[str] = []
    for delays in (False, True):
        for name in builder.function_uids:
            if name not in reached and (raw.nodes[name].op in _DELAYS) is delays:
                added.append(name)
                _mark(raw, (name,), reached)
    return added


def _mark(raw: RawModel, names: Iterable[str], reached: set[str]) -> None:
    stack = [name for name in names if name not in reached]
    reached.update(stack)
    while stack:
        for name in raw.nodes[stack.pop()].inputs:
            if name not in reached:
                reached.add(name)
                stack.append(name)


def check_cycles(raw: RawModel) -> None:
    """Raise ``InvalidGraphError`` for a cycle that passes no delay: CNTK could not put its nodes in any order."""
    waiting: dict[str, int] = {}
    readers: dict[str, list[str]] = {}
    ready: list[str] = []
    for name, node in raw.nodes.items():
        # What a delay reads belongs to another step.
        inputs = () if node.op in _DELAYS else node.inputs
        waiting[name] = len(inputs)
        if not inputs:
            ready.append(name)
        for source in inputs:
            readers.setdefault(source, []).append(name)
    while ready:
        name = ready.pop()
        del waiting[name]
        for reader in readers.get(name, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    if waiting:
        raise InvalidGraphError(
            "lies on, or depends on, a cycle that passes no PastValue or FutureValue", node=shown(next(iter(waiting)))
        )
