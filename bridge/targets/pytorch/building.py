"""A lowered graph as a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from bridge.errors import RefusedError
from bridge.targets.pytorch import rules as _rules  # noqa: F401 - importing them registers the translations
from bridge.targets.pytorch.expression import Expr, Ref, replaced
from bridge.targets.pytorch.losses import split_losses
from bridge.targets.pytorch.members import MODULE, Member
from bridge.targets.pytorch.naming import identifier, is_usable
from bridge.targets.pytorch.padding import drop_inner_masks
from bridge.targets.pytorch.parameter_uses import ParameterUses
from bridge.targets.pytorch.program import Region
from bridge.targets.pytorch.simplification import regions_of, simplify, tidy
from bridge.targets.pytorch.structure import recover_structure
from bridge.targets.pytorch.translation import Names, Shared, Translation
from bridge.targets.pytorch.values import ConstantValue, TensorValue


@dataclass(frozen=True, slots=True)
class Program:
    """The class that computes a graph, its losses as functions, and the snippets that their source needs."""

    root: Region
    losses: list[Region]
    snippets: set[str]


def build(graph: ir.Graph, names: Names, losses: Sequence[str] = ()) -> Program:
    """The program that computes ``graph``; its outputs ``losses`` as functions of the others."""
    shared = Shared(ParameterUses(graph), names)
    region = Region("Model", [])
    translation = Translation(shared, region)
    _declare(translation, graph)
    translation.run(graph)
    for value in graph.outputs:
        found = translation.tensor(value)
        if isinstance(translation.value(value), ConstantValue):  # What goes out is the caller's to change.
            found = TensorValue(Expr("{0:8}.clone()", (found.expr,)), found.dtype, found.rank)
        region.results.append(found.expr if isinstance(found.expr, Ref) else translation.bind(found.expr))
        region.outputs.append(value.name or "")
    _hand_in_shared_members(region)
    tidy(region)
    functions = split_losses(region, losses) if losses else []
    drop_inner_masks(region)
    recover_structure(region, shared.refs, names)
    for inner in (*regions_of(region), *functions):
        simplify(inner)
    return Program(region, functions, shared.snippets)


def _declare(t: Translation, graph: ir.Graph) -> None:
    """The arguments of ``forward``: required ones first, then lengths."""
    region = t.region
    optional = []
    # Names that Python can say belong to their inputs, whatever else would like to be called so.
    taken = {value.name for value in graph.inputs if value.name and is_usable(value.name)}
    lengths = [value for value in graph.inputs if value.const_value is not None]
    for value in (*(v for v in graph.inputs if v.const_value is None), *lengths):
        assert value.name is not None
        assert value.type is not None
        assert value.shape is not None
        ref = t.shared.refs.new()
        region.arguments.append(ref)
        region.input_ranks[value.name] = len(value.shape)
        if value.name == "self":
            raise RefusedError("an input called 'self' cannot be handed to a PyTorch module by its name; convert to ONNX instead")
        if is_usable(value.name):
            region.names[ref] = value.name
        else:
            region.names[ref] = _free(identifier(value.name) or "x", taken)
            region.others[value.name] = ref
            taken.add(region.names[ref])
        t.values[value] = TensorValue(ref, np.dtype(value.type.dtype.numpy()), len(value.shape))
        if value.const_value is not None:
            optional.append(ref)
    region.optional = frozenset(optional)
    for value in lengths:
        _true_lengths(t, value)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _true_lengths(t: Translation, lengths: ir.Value) -> None:
    """Lengths as every reader wants them: what ONNX does with ``Min`` and ``Expand`` is one call here."""
    for use in list(lengths.uses()):
        steps = use.node.inputs[1 - use.idx]
        shape = None if steps is None else steps.producer()
        if use.node.op_type != "Min" or shape is None or shape.op_type != "Shape":
            continue
        given, source = t.tensor(lengths), t.tensor(shape.inputs[0])
        t.shared.snippets.add("sequence_lengths")
        made = t.bind(Expr("sequence_lengths({0}, {1})", (source.expr, given.expr)))
        t.given_lengths[made] = (source.expr, given.expr)
        full = TensorValue(made, np.dtype(np.int64), 1)
        t.values[use.node.outputs[0]] = full
        for reader in use.node.outputs[0].uses():
            if reader.node.op_type == "Expand":
                t.values[reader.node.outputs[0]] = full


def _hand_in_shared_members(region: Region) -> None:
    """Parameters that a loop shares with the rest of the model belong to the model, and are arguments of the loop."""
    loops = {member: member.region for member in region.members() if member.region is not None}
    owners: dict[Member, list[Region]] = {}
    for inner in (region, *loops.values()):
        for member in inner.members():
            owners.setdefault(member, []).append(inner)
    shared = [member for member, found in owners.items() if len(found) > 1]
    for member in shared:
        assert member.kind != MODULE, "a module inside a loop and outside of it"
        for loop, inner in loops.items():
            if member in inner.members():
                _hand_in(region, loop, inner, member)


def _hand_in(region: Region, loop: Member, inner: Region, member: Member) -> None:
    numbers = [ref.number for r in (region, inner) for s in r.statements for ref in s.targets] + [
        ref.number for r in (region, inner) for ref in r.arguments
    ]
    given = Ref(max(numbers) + 1_000_000 + len(inner.arguments))
    inner.arguments.append(given)
    inner.names[given] = _free(identifier(member.cntk_name) or "given", set(inner.names.values()))
    for statement in inner.statements:
        statement.expr = replaced(statement.expr, lambda leaf: given if leaf is member else leaf)
    for statement in region.statements:
        if isinstance(statement.expr, Expr) and statement.expr.args and statement.expr.args[0] is loop:
            expr = statement.expr
            statement.expr = Expr(f"{expr.template[:-1]}, {{{len(expr.args)}}})", (*expr.args, member))
