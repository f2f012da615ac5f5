"""User-defined functions: which of them the outputs asked for need, and what there is that needs none."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.errors import UserCodeError
from bridge.graph.components import Component
from bridge.graph.interface import output_name
from bridge.graph.model import Function
from bridge.graph.network import Network, Node, function_outputs
from bridge.graph.operators import USER_DEFINED


def refuse_user_code(network: Network, order: Iterable[Component]) -> None:
    """Raise ``UserCodeError`` where a node of ``order``, which is what the outputs need, is a user-defined function."""
    needed = [node for component in order for node in component.nodes if node.op == USER_DEFINED]
    if needed:
        functions = network.model.functions
        raise UserCodeError([describe_user_code(functions[node.uid]) for node in needed], _values_without(network, needed))


def describe_user_code(function: Function) -> str:
    """A user-defined function by name: what CNTK would have imported or opened."""
    assert function.user_code is not None
    code = function.user_code
    kind = "native" if code.native else "Python"
    return f"{function.name or function.uid} ({kind} {code.op_name!r}, would load {code.symbol!r} from {code.module!r})"


def _values_without(network: Network, needed: Iterable[Node]) -> list[str]:
    """Names of the model's outputs that need no user code, or of what the functions ``needed`` work on."""
    model = network.model
    tainted = _computed_from(network, [uid for node in network.nodes.values() if node.op == USER_DEFINED for uid in node.outputs])
    outputs = function_outputs(model, model.functions[model.root])
    operands = (uid for node in needed for uid in node.inputs if uid in network.producers)
    names = _names(network)
    for candidates in (outputs, operands):
        sound = [uid for uid in candidates if network.resolve(uid) not in tainted]
        if sound:
            return list(dict.fromkeys(names.get(network.resolve(uid), uid) for uid in sound))
    return []


def _computed_from(network: Network, sources: list[str]) -> set[str]:
    """``sources`` and the uids of everything that is computed from them."""
    found: set[str] = set()
    while sources:
        uid = sources.pop()
        if uid not in found:
            found.add(uid)
            sources.extend(output for node in network.consumers.get(uid, ()) for output in node.outputs)
    return found


def _names(network: Network) -> dict[str, str]:
    """Names by the uid that carries the value, those of outer blocks before those inside of them."""
    found: dict[str, str] = {}
    for function in reversed(list(network.model.functions.values())):
        for position, uid in enumerate(function.outputs):
            if function.name:
                found.setdefault(network.resolve(uid), output_name(function, position))
    return found
