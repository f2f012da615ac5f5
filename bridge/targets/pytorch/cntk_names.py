"""What CNTK calls functions and variables, and which blocks they stand in."""

from __future__ import annotations

from bridge.graph.model import Function, Model
from bridge.targets.pytorch.translation import EnclosingBlock, Names

_DEEPEST = 64


def names_of(model: Model) -> Names:
    """Names, attributes and enclosing blocks, by uid."""
    names = {uid: variable.name for uid, variable in model.variables.items()}
    names.update({uid: function.name for uid, function in model.functions.items()})
    attributes = {uid: dict(function.attributes) for uid, function in model.functions.items()}
    return Names(names, attributes, _enclosing(model))


def _enclosing(model: Model) -> dict[str, tuple[EnclosingBlock, ...]]:
    """The blocks around each function, innermost first."""
    producers = {output: function for function in model.functions.values() for output in function.outputs}
    parents: dict[str, str] = {}
    for block in model.functions.values():
        if block.block is not None:
            for inner in _inside(model, block, producers):
                parents.setdefault(inner, block.uid)
    found: dict[str, tuple[EnclosingBlock, ...]] = {}
    for uid in parents:
        chain: list[EnclosingBlock] = []
        at = uid
        while at in parents and len(chain) < _DEEPEST:
            at = parents[at]
            around = model.functions[at].block
            assert around is not None
            chain.append(EnclosingBlock(at, around.op_name, model.functions[at].name))
        found[uid] = tuple(chain)
    return found


def _inside(model: Model, block: Function, producers: dict[str, Function]) -> set[str]:
    """The functions that a block's root needs: its placeholders are made by none."""
    assert block.block is not None
    pending, seen = [block.block.root], set[str]()
    while pending:
        uid = pending.pop()
        if uid in seen or uid == block.uid:
            continue
        seen.add(uid)
        pending.extend(producers[given].uid for given in _read(model.functions[uid]) if given in producers)
    return seen


def _read(function: Function) -> tuple[str, ...]:
    return (*function.inputs, *(function.block.arguments.values() if function.block is not None else ()))
