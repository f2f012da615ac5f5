"""What a converted model shows to the outside: which outputs, which inputs they need, and what each is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bridge.errors import InvalidGraphError, InvalidOptionError, UnknownOutputError
from bridge.graph.inference.criteria import AGGREGATING
from bridge.graph.model import Function, Model, Variable, VariableKind
from bridge.graph.network import Network, Node, function_outputs

CRITERION_BLOCKS = frozenset(
    {
        "CrossEntropy",
        "CrossEntropyWithSoftmax",
        "SquaredError",
        "ClassificationError",
        "BinaryCrossEntropy",
        "WeightedBinaryCrossEntropy",
        "NCE",
    }
)
"""Blocks by which CNTK's libraries save losses and metrics."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: the uid that carries the value, CNTK's own uid for the variable, and its public name."""

    uid: str
    variable_uid: str
    name: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An output of the model that is not converted, and why."""

    name: str
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class Interface:
    """The chosen outputs, what they need, and what was left out."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class _Output:
    variable_uid: str
    name: str


def choose(network: Network, wanted: Sequence[str] | None = None, losses: Sequence[str] = ()) -> Interface:
    """The interface for the outputs ``wanted`` (names or uids), or for the model's predictions, and behind them ``losses``.

    Raises ``UnknownOutputError`` for an output that the model does not have, ``InvalidOptionError`` for one that is asked for as
    an output and as a loss.
    """
    model = network.model
    if wanted is not None:
        index = _output_index(model)
        by_uid: dict[str, _Output] = {}
        for name in wanted:
            output = _find(index, name)
            by_uid.setdefault(output.variable_uid, output)
        chosen = list(by_uid.values())
        left_out: tuple[LeftOut, ...] = ()
    else:
        chosen, left_out = _predictions(network)
    if not chosen:
        raise InvalidGraphError("the model has no outputs")
    if losses:
        heads = _losses(model, losses, {output.variable_uid for output in chosen})
        chosen += heads
        left_out = tuple(item for item in left_out if item.name not in {head.name for head in heads})
    inputs = list(_arguments(network, [output.variable_uid for output in chosen]))
    names = _public_names(chosen, inputs)
    return Interface(
        inputs=tuple(Port(leaf.uid, leaf.uid, names[leaf.uid, "input"]) for leaf in inputs),
        outputs=tuple(Port(network.resolve(o.variable_uid), o.variable_uid, names[o.variable_uid, "output"]) for o in chosen),
        left_out=left_out,
    )


def _losses(model: Model, wanted: Sequence[str], chosen: set[str]) -> list[_Output]:
    index = _output_index(model)
    heads = {output.variable_uid: output for output in (_find(index, name) for name in wanted)}
    twice = [output.name or uid for uid, output in heads.items() if uid in chosen]
    if twice:
        raise InvalidOptionError(f"{', '.join(map(repr, twice))}: asked for as an output and as a loss; choose one")
    if len(heads) < len(wanted):
        raise InvalidOptionError(f"the losses {', '.join(map(repr, wanted))}: one of them is asked for twice")
    return list(heads.values())


def output_name(function: Function, position: int) -> str:
    """CNTK's name of an output variable; empty where it has none."""
    if position == 0 or not function.name or function.block is not None:
        return function.name
    suffix = {"UnpackSequence": "_UnpackSequenceMask", "TopK": "_TopKIndexMask"}.get(function.op, f"_{position}")
    return function.name + suffix


def _public_names(outputs: Sequence[_Output], inputs: Sequence[Variable]) -> dict[tuple[str, str], str]:
    """Names by (uid, role). The first of a name keeps it, the others are ``<name>_<uid>``.

    An input asked for as an output keeps its name on both sides: it is handed through.
    """
    names: dict[tuple[str, str], str] = {}
    taken: dict[str, str] = {}
    claims = [(o.variable_uid, "output", o.name) for o in outputs] + [(leaf.uid, "input", leaf.name) for leaf in inputs]
    for uid, role, name in claims:
        public = name or uid
        while taken.setdefault(public, uid) != uid:
            public = f"{public}_{uid}"
        names[uid, role] = public
    return names


def _all_outputs(model: Model) -> Iterator[_Output]:
    """Every output of every function: the root's first, then the others, outer functions (listed later) before inner ones."""
    by_uid = {uid: _Output(uid, output_name(f, k)) for f in model.functions.values() for k, uid in enumerate(f.outputs)}
    for uid in function_outputs(model, model.functions[model.root]):
        yield by_uid.get(uid) or _Output(uid, model.variables[uid].name)
    for function in reversed(list(model.functions.values())):
        for uid in function.outputs:
            yield by_uid[uid]


def _output_index(model: Model) -> dict[str, _Output]:
    """Outputs by everything they answer to; names come before uids, the nearest to the root before others."""
    index: dict[str, _Output] = {}
    outputs = list(_all_outputs(model))
    for output in outputs:
        if output.name:
            index.setdefault(output.name, output)
    for function in (f for f in model.functions.values() if f.op == "Combine" and len(f.inputs) == 1):
        if function.name:
            index.setdefault(function.name, _Output(function.inputs[0], function.name))
    for variable in model.variables.values():
        if variable.name and variable.kind is not VariableKind.PLACEHOLDER:
            index.setdefault(variable.name, _Output(variable.uid, variable.name))
    for output in outputs:
        index.setdefault(output.variable_uid, output)
    for function in model.functions.values():
        for uid in function_outputs(model, function)[:1]:
            index.setdefault(function.uid, index.get(uid) or _Output(uid, function.name))
    for variable in model.variables.values():
        index.setdefault(variable.uid, _Output(variable.uid, variable.name))
    return index


def _find(index: dict[str, _Output], wanted: str) -> _Output:
    found = index.get(wanted)
    if found is None:
        raise UnknownOutputError(wanted, list(index))
    return found


def _predictions(network: Network) -> tuple[list[_Output], tuple[LeftOut, ...]]:
    """The root's outputs that need no labels, and the heads that were left out."""
    model = network.model
    root = list(dict.fromkeys(function_outputs(model, model.functions[model.root])))
    named = {output.variable_uid: output for output in _all_outputs(model)}
    outputs = [named[uid] for uid in root]
    criteria = _criteria(network)
    judged = _computed_from(network, criteria)
    heads = [output for output in outputs if network.resolve(output.variable_uid) in judged]
    kept = [output for output in outputs if network.resolve(output.variable_uid) not in judged]
    if not kept:
        kept = _operands_of_criteria(network, criteria, judged)
        if not kept:
            return outputs, ()
    reason = "a loss or metric: it needs the labels; ask for it by name to convert it"
    return kept, tuple(LeftOut(o.name or o.variable_uid, _operator(network, criteria, o), reason) for o in heads)


def _criteria(network: Network) -> dict[str, Function]:
    """Losses and metrics by the uid that carries their value."""
    found: dict[str, Function] = {}
    for function in network.model.functions.values():
        block = function.block is not None and function.block.op_name in CRITERION_BLOCKS
        if block or function.op in AGGREGATING:
            for uid in function_outputs(network.model, function):
                found[network.resolve(uid)] = function
    return found


def _operator(network: Network, criteria: dict[str, Function], output: _Output) -> str:
    function = criteria.get(network.resolve(output.variable_uid))
    if function is None:
        return network.producers[network.resolve(output.variable_uid)].op
    return function.block.op_name if function.block is not None else function.op


def _computed_from(network: Network, sources: Iterable[str]) -> set[str]:
    """``sources`` and the uids of everything that is computed from them."""
    found: set[str] = set()
    stack = list(sources)
    while stack:
        uid = stack.pop()
        if uid not in found:
            found.add(uid)
            stack.extend(output for node in network.consumers.get(uid, ()) for output in node.outputs)
    return found


def _operands_of_criteria(network: Network, criteria: dict[str, Function], judged: set[str]) -> list[_Output]:
    """For a model saved as nothing but its losses: what the losses compare with labels.

    An operand that is an input of the model is a label; one that is computed, though not from a loss, is a prediction.
    """
    model = network.model
    names = {uid: output_name(f, k) for f in model.functions.values() for k, uid in enumerate(f.outputs)}
    found: dict[str, _Output] = {}
    for function in criteria.values():
        operands = list(function.block.arguments.values()) if function.block is not None else list(function.inputs)
        labelled = any(_is_input(network, uid) for uid in operands)
        for uid in operands if labelled else ():
            carrier = network.resolve(uid)
            if carrier in network.producers and carrier not in judged:
                found.setdefault(carrier, _Output(uid, names.get(uid, "")))
    return list(found.values())


def _is_input(network: Network, uid: str) -> bool:
    leaf = network.leaves.get(network.resolve(uid))
    return leaf is not None and leaf.kind is VariableKind.INPUT


def needed_nodes(network: Network, outputs: Iterable[str]) -> list[Node]:
    """The nodes that carry ``outputs`` (uids), without repetition."""
    found = (network.producers.get(network.resolve(uid)) for uid in outputs)
    return list({node.uid: node for node in found if node is not None}.values())


def _arguments(network: Network, outputs: Sequence[str]) -> Iterator[Variable]:
    """The inputs that ``outputs`` need, in CNTK's order: depth first, a function's own leaves before those of its operands."""
    needed: set[str] = set()
    stack = [network.resolve(uid) for uid in outputs]
    while stack:
        uid = stack.pop()
        if uid not in needed:
            needed.add(uid)
            node = network.producers.get(uid)
            stack.extend(node.inputs if node is not None else ())
    model = network.model
    producers = {uid: f for f in model.functions.values() for uid in f.outputs}
    bindings = {p: a for f in model.functions.values() if f.block is not None for p, a in f.block.arguments.items()}
    seen: set[str] = set()
    pending = list(reversed(outputs))
    while pending:
        uid = pending.pop()
        if uid in seen:
            continue
        seen.add(uid)
        leaf = network.leaves.get(uid)
        if leaf is not None:
            if leaf.kind is VariableKind.INPUT and uid in needed:
                needed.discard(uid)
                yield leaf
        elif uid in producers:
            pending.extend(_operands_leaves_first(network, producers[uid]))
        elif uid in bindings:
            pending.append(bindings[uid])
    # What only the inside of a block reads, though no argument of the block names it.
    yield from (leaf for uid, leaf in network.leaves.items() if leaf.kind is VariableKind.INPUT and uid in needed)


def _operands_leaves_first(network: Network, function: Function) -> list[str]:
    """Operands in the order in which a stack is to receive them: leaves come off first, the rest in input order."""
    operands = list(function.inputs)
    if function.block is not None:
        operands = [uid for uid in operands if uid in network.leaves] + list(function.block.arguments.values())
    leaves = [uid for uid in operands if uid in network.leaves]
    others = [uid for uid in operands if uid not in network.leaves]
    return [*reversed(others), *reversed(leaves)]
