"""Dissolving blocks: a flat graph of primitive nodes, every reference resolved."""

from __future__ import annotations

import time

import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import Axis, AxisKind, Block, DataType, Function, Model, Variable, VariableKind
from bridge.graph.network import dissolve, function_outputs


def leaf(uid: str, kind: VariableKind = VariableKind.INPUT) -> Variable:
    shape = None if kind is VariableKind.PLACEHOLDER else (2,)
    return Variable(uid, kind, DataType.FLOAT, shape, name=uid)


def function(uid: str, op: str, *inputs: str, block: Block | None = None) -> Function:
    return Function(uid, op, inputs, () if op == "Combine" else (f"{uid}.out",), block=block)


def model(*functions: Function, inputs: tuple[str, ...] = ("x",), placeholders: tuple[str, ...] = ()) -> Model:
    """A model whose root is the last of ``functions``."""
    leaves = [leaf(uid) for uid in inputs] + [leaf(uid, VariableKind.PLACEHOLDER) for uid in placeholders]
    return Model("v2", "", functions[-1].uid, {f.uid: f for f in functions}, {v.uid: v for v in leaves})


def block(uid: str, root: str, **arguments: str) -> Function:
    return function(uid, "Block", *arguments.values(), block=Block("Layer", root, arguments))


def test_block_stands_for_what_its_inside_computes() -> None:
    network = dissolve(model(function("inner", "Tanh", "p"), block("layer", "inner", p="x"), placeholders=("p",)))
    assert list(network.nodes) == ["inner"]
    assert network.nodes["inner"].inputs == ("x",)
    assert network.resolve("layer.out") == "inner.out"
    assert network.resolve("p") == "x"
    assert list(network.leaves) == ["x"]


def test_blocks_within_blocks_resolve_to_the_innermost_value() -> None:
    network = dissolve(
        model(
            function("core", "Exp", "p"),
            block("middle", "core", p="q"),
            block("outer", "middle", q="x"),
            function("after", "Negate", "outer.out"),
            placeholders=("p", "q"),
        )
    )
    assert set(network.nodes) == {"core", "after"}
    assert network.nodes["after"].inputs == ("core.out",)
    assert network.nodes["core"].inputs == ("x",)


def test_block_that_hands_its_argument_on_stands_for_the_argument() -> None:
    network = dissolve(
        model(
            function("both", "Combine", "p"),
            block("layer", "both", p="x"),
            function("after", "Tanh", "layer.out"),
            placeholders=("p",),
        )
    )
    assert network.nodes["after"].inputs == ("x",)


def test_one_placeholder_may_be_bound_alike_by_two_blocks() -> None:
    network = dissolve(
        model(
            function("inner", "Tanh", "p"),
            block("first", "inner", p="x"),
            block("second", "inner", p="x"),
            function("sum", "Plus", "first.out", "second.out"),
            placeholders=("p",),
        )
    )
    assert network.nodes["sum"].inputs == ("inner.out", "inner.out")


def test_one_placeholder_bound_in_two_ways_is_an_error() -> None:
    contradictory = model(
        function("inner", "Tanh", "p"),
        block("first", "inner", p="x"),
        block("second", "inner", p="y"),
        inputs=("x", "y"),
        placeholders=("p",),
    )
    with pytest.raises(InvalidGraphError, match="placeholder p is bound twice, to x and to y") as caught:
        dissolve(contradictory)
    assert caught.value.node == "second"


@pytest.mark.parametrize("bindings", [{"p": "p"}, {"p": "q", "q": "p"}])
def test_placeholders_that_stand_for_each_other_are_an_error(bindings: dict[str, str]) -> None:
    with pytest.raises(InvalidGraphError, match="stands for itself"):
        dissolve(model(function("inner", "Tanh", "p"), block("layer", "inner", **bindings), placeholders=tuple(bindings)))


def test_block_that_is_its_own_inside_is_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="stands for itself"):
        dissolve(model(block("layer", "layer", p="x"), placeholders=("p",)))


def test_block_with_other_outputs_than_its_inside_is_an_error() -> None:
    inner = Function("inner", "TopK", ("x",), ("inner.values", "inner.indices"))
    with pytest.raises(InvalidGraphError, match="has 1 outputs, its inside 2") as caught:
        dissolve(model(inner, block("layer", "inner")))
    assert caught.value.node == "layer"


def test_placeholder_that_nothing_binds_is_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="placeholder p is not bound: the model is unfinished") as caught:
        dissolve(model(function("f", "Tanh", "p"), placeholders=("p",)))
    assert caught.value.node == "f"


def test_input_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="input nowhere is no variable"):
        dissolve(model(function("f", "Tanh", "nowhere")))


def test_kept_block_is_one_node_over_its_arguments() -> None:
    axis = Axis(AxisKind.STATIC, 0)
    network = dissolve(
        model(function("inner", "Exp", "p"), block("layer", "inner", p="x"), placeholders=("p",)), {"layer": {"axis": axis}}
    )
    assert network.nodes["layer"].op == "Block:Layer"
    assert network.nodes["layer"].inputs == ("x",)
    assert network.nodes["layer"].attributes == {"axis": axis}
    assert network.producers["layer.out"] is network.nodes["layer"]


def test_combine_yields_its_inputs() -> None:
    root = function("root", "Combine", "x", "f.out")
    made = model(function("f", "Tanh", "x"), root)
    assert function_outputs(made, root) == ("x", "f.out")
    assert list(dissolve(made).nodes) == ["f"]


def test_consumers_are_listed_once_each() -> None:
    network = dissolve(model(function("square", "ElementTimes", "x", "x"), function("f", "Tanh", "x")))
    assert [node.uid for node in network.consumers["x"]] == ["square", "f"]


def test_hundred_thousand_aliases_in_a_row_are_followed() -> None:
    count = 100_000
    bindings = {f"p{k}": f"p{k + 1}" for k in range(count)} | {f"p{count}": "x"}
    network = dissolve(model(function("inner", "Tanh", "p0"), block("layer", "inner", **bindings), placeholders=tuple(bindings)))
    assert network.nodes["inner"].inputs == ("x",)


def test_blocks_nest_as_deep_as_they_like_in_linear_time() -> None:
    count = 20_000
    chain = [function(f"f{k}", "Negate", f"f{k - 1}.out" if k else "x") for k in range(count)]
    nested = [block(f"b{k}", f"b{k - 1}" if k else f"f{count - 1}", **{f"p{k}": f"f{count - 1}.out"}) for k in range(count)]
    made = model(*chain, *nested, placeholders=tuple(f"p{k}" for k in range(count)))
    started = time.process_time()
    network = dissolve(made)
    assert time.process_time() - started < 5
    assert network.resolve(f"b{count - 1}.out") == f"f{count - 1}.out"
