"""Loss heads as functions: what is computed from predictions and labels alone leaves ``forward``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bridge.errors import InvalidOptionError
from bridge.targets.pytorch.expression import Expr, Ref, literal, replaced
from bridge.targets.pytorch.members import BUFFER, Array, Member, torch_dtype
from bridge.targets.pytorch.naming import identifier
from bridge.targets.pytorch.program import Region, Statement
from bridge.targets.pytorch.simplification import tidy

_MOST_ELEMENTS: Final = 16
"""A constant with more elements is a buffer, which a function has no place for."""


def split_losses(root: Region, names: Sequence[str]) -> list[Region]:
    """Take the results ``names`` out of the model, each as the region of a function of predictions and inputs.

    Inputs that only they read, the labels, leave the model too. Raises ``InvalidOptionError`` for a loss that has parameters of
    its own, or that is computed from inner values of the network.
    """
    by_name = dict(zip(root.outputs, root.results, strict=True))
    losses = {name: by_name.pop(name) for name in names}
    root.outputs, root.results = list(by_name), list(by_name.values())
    made = [_function(root, name, ref) for name, ref in losses.items()]
    _without_labels(root, {ref for region in made for ref in region.arguments})
    return made


def _function(root: Region, name: str, result: Ref) -> Region:
    """One loss. Its arguments are the predictions that it reads, then the inputs; those that may be left out come last."""
    predictions = dict(zip(root.results, root.outputs, strict=True))
    statements = _slice(root, result, stop={*predictions, *root.arguments})
    read = {leaf for statement in statements for leaf in statement.reads() if isinstance(leaf, Ref)}
    arguments = [ref for ref in (*predictions, *root.arguments) if ref in read]
    if not statements:
        raise InvalidOptionError(f"the loss {name!r} is an input or a prediction of the model, and computes nothing")
    region = Region(identifier(name) or "loss", arguments)
    region.statements = [Statement(s.targets, _constants_written(s, name, arguments), s.origin, s.hint) for s in statements]
    region.results = [result]
    region.outputs = [name]
    region.optional = root.optional & frozenset(arguments)
    region.names = {ref: identifier(predictions[ref]) if ref in predictions else root.names[ref] for ref in arguments}
    region.doc = f"What CNTK's {_quoted(name)} computes of predictions and labels."
    return region


def _slice(root: Region, result: Ref, stop: set[Ref]) -> list[Statement]:
    """The statements behind a value, in order, back to the values ``stop``."""
    needed = {result} - stop
    kept = []
    for statement in reversed(root.statements):
        if needed.isdisjoint(statement.targets):
            continue
        kept.append(statement)
        needed |= {leaf for leaf in statement.reads() if isinstance(leaf, Ref)} - stop
    return kept[::-1]


def _constants_written(statement: Statement, name: str, arguments: Sequence[Ref]) -> Expr | Ref | Member:
    """The statement's expression, with its constants written out: a function holds no buffers."""

    def of(leaf: Ref | Member) -> Ref | Expr | Member:
        if isinstance(leaf, Ref):
            return leaf
        array = leaf.tensors[""].array if leaf.kind == BUFFER else None
        if array is None or array.size > _MOST_ELEMENTS:
            raise InvalidOptionError(
                f"the loss {name!r} reads {leaf.cntk_name or leaf.hint!r} inside the network, beyond its predictions; take it as "
                f"an output (--output {name}), or ask for the inner value that it is computed from as an output too"
            )
        listed = _listed(array)
        dtype = torch_dtype(array.dtype)
        return Expr(f"torch.tensor({listed}, dtype={dtype}, device={{0:8}}.device)", (arguments[0],))

    return replaced(statement.expr, of)


def _quoted(name: str) -> str:
    """A name from the file as a docstring can hold it."""
    return name if name.isprintable() and not set(name) & set('"\\') else "loss"


def _listed(values: Array) -> str:
    """Nested lists of numbers, with no more digits than the type holds."""
    if values.ndim:
        return f"[{', '.join(map(_listed, values))}]"
    return literal(float(str(values)) if values.dtype.kind == "f" else values.item()).template


def _without_labels(root: Region, read_by_losses: set[Ref]) -> None:
    """Drop what only the losses need: their statements, and the inputs that nothing else reads."""
    tidy(root)
    still_read = {leaf for leaf in _reads(root) if isinstance(leaf, Ref)} | set(root.results)
    labels = {ref for ref in root.arguments if ref in read_by_losses and ref not in still_read}
    odd = {ref: name for name, ref in root.others.items()}
    for ref in labels:
        name = odd.get(ref, root.names[ref])
        del root.input_ranks[name], root.names[ref]
        root.others.pop(name, None)
    root.arguments = [ref for ref in root.arguments if ref not in labels]
    root.optional -= labels


def _reads(root: Region) -> Iterator[Ref | Member]:
    for statement in root.statements:
        yield from statement.reads()
