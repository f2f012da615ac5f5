"""What a converted model shows: tensor conventions, points 1 and 2."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from bridge.errors import InvalidGraphError, UnknownOutputError
from bridge.graph.interface import Interface, choose, needed_nodes, output_name
from bridge.graph.model import Axis, Block, DataType, Function, Model, Variable, VariableKind
from bridge.graph.network import dissolve
from tests.lower.graphs import BATCH, SEQUENCE, Graph


def chosen(model: Model, wanted: Sequence[str] | None = None) -> Interface:
    return choose(dissolve(model), wanted)


def inputs(interface: Interface) -> list[str]:
    return [port.name for port in interface.inputs]


def outputs(interface: Interface) -> list[str]:
    return [port.name for port in interface.outputs]


def classifier(graph: Graph) -> tuple[str, str, str, str]:
    """A network ``z`` over ``features`` with its loss and its metric, as blocks: the uids of z, both heads and the labels."""
    features, labels = graph.input("features", (3,)), graph.input("labels", (2,))
    z = graph.op("Times", graph.parameter(np.ones((3, 2))), features, name="z", outputRank=1, inferInputRankToMap=-1)
    heads = []
    for head in ("CrossEntropyWithSoftmax", "ClassificationError"):
        left, right = graph.placeholder(f"{head}.z"), graph.placeholder(f"{head}.labels")
        inside = graph.op("Minus", right, graph.op("Tanh", left))
        heads.append(graph.block(head, inside, {left: z, right: labels}))
    loss, metric = heads
    return z, loss, metric, labels


def test_outputs_are_called_by_name_or_by_uid_where_they_have_none() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    named, nameless = graph.op("Tanh", x, name="hidden"), graph.op("Exp", x)
    made = chosen(graph.model(named, nameless))
    assert outputs(made) == ["hidden", nameless]
    assert [port.variable_uid for port in made.outputs] == [named, nameless]
    assert inputs(made) == ["x"]


def test_second_variable_of_a_name_carries_its_uid() -> None:
    graph = Graph()
    x = graph.input("z", (2,))
    first, second = graph.op("Tanh", x, name="z"), graph.op("Exp", x, name="z")
    made = chosen(graph.model(first, second))
    assert outputs(made) == ["z", f"z_{second}"]
    assert inputs(made) == ["z_z"]


def test_a_name_that_looks_like_a_renamed_one_is_not_taken_twice() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    first = graph.op("Tanh", x, name="z_Exp2_Output_0")
    second, third = graph.op("Sin", x, name="z"), graph.op("Exp", x, name="z")
    names = outputs(chosen(graph.model(first, second, third)))
    assert names[:2] == ["z_Exp2_Output_0", "z"]
    assert len(set(names)) == 3


def test_output_asked_for_by_name_and_uid_is_one_output() -> None:
    graph = Graph()
    hidden = graph.op("Tanh", graph.input("x", (2,)), name="hidden")
    assert outputs(chosen(graph.model(hidden), [hidden, "hidden"])) == ["hidden"]


def test_losses_and_metrics_are_left_out_with_their_labels() -> None:
    graph = Graph()
    z, loss, metric, _ = classifier(graph)
    made = chosen(graph.model(z, loss, metric))
    assert outputs(made) == ["z"]
    assert inputs(made) == ["features"]
    assert [left.operator for left in made.left_out] == ["CrossEntropyWithSoftmax", "ClassificationError"]
    assert [left.name for left in made.left_out] == [loss, metric]
    assert all("ask for it by name" in left.reason for left in made.left_out)


def test_what_is_computed_from_a_loss_is_left_out_too() -> None:
    graph = Graph()
    z, loss, _, _ = classifier(graph)
    doubled = graph.op("Plus", loss, loss)
    made = chosen(graph.model(z, doubled))
    assert outputs(made) == ["z"]
    assert [(left.name, left.operator) for left in made.left_out] == [(doubled, "Plus")]


@pytest.mark.parametrize("operator", ["CrossEntropyWithSoftmax", "SquaredError", "Logistic"])
def test_aggregating_primitives_are_losses(operator: str) -> None:
    graph = Graph()
    z = graph.op("Tanh", graph.input("x", (2,)), name="z")
    made = chosen(graph.model(graph.op(operator, z, graph.input("labels", (2,))), z))
    assert outputs(made) == ["z"]
    assert inputs(made) == ["x"]
    assert [left.operator for left in made.left_out] == [operator]


def test_model_saved_as_its_losses_alone_yields_what_they_compare_with_labels() -> None:
    graph = Graph()
    _, loss, metric, _ = classifier(graph)
    made = chosen(graph.model(loss, metric))
    assert outputs(made) == ["z"]
    assert inputs(made) == ["features"]
    assert [left.name for left in made.left_out] == [loss, metric]


def test_losses_asked_for_by_name_are_converted_with_their_labels() -> None:
    graph = Graph()
    z, loss, _, _ = classifier(graph)
    made = chosen(graph.model(z, loss), [loss])
    assert outputs(made) == [loss]
    assert sorted(inputs(made)) == ["features", "labels"]
    assert made.left_out == ()


def test_any_node_may_be_asked_for_by_name_or_uid_once() -> None:
    graph = Graph()
    hidden = graph.op("Tanh", graph.input("x", (2,)), name="hidden")
    unused = graph.op("Sin", graph.input("y", (2,)))
    made = chosen(graph.model(graph.op("Exp", hidden)), ["hidden", unused, "hidden"])
    assert outputs(made) == ["hidden", unused]
    assert inputs(made) == ["x", "y"]


def test_function_may_be_asked_for_by_its_own_uid() -> None:
    graph = Graph()
    hidden = graph.op("Tanh", graph.input("x", (2,)))
    assert chosen(graph.model(hidden), [hidden.removesuffix("_Output_0")]).outputs[0].uid == hidden


def test_name_of_the_function_nearest_to_the_root_wins() -> None:
    graph = Graph()
    inner = graph.op("Tanh", graph.input("x", (2,)), name="h")
    outer = graph.op("Exp", inner, name="h")
    assert chosen(graph.model(outer), ["h"]).outputs[0].uid == outer


def test_unknown_output_is_named_with_what_there_is() -> None:
    graph = Graph()
    z = graph.op("Tanh", graph.input("x", (2,)), name="z")
    with pytest.raises(
        UnknownOutputError, match="no output 'nothing': expected the name or uid of a node; this model has"
    ) as caught:
        chosen(graph.model(z), ["nothing"])
    assert {"z", "x", z} <= set(caught.value.available)


def test_no_output_at_all_is_an_error() -> None:
    graph = Graph()
    with pytest.raises(InvalidGraphError, match="no outputs"):
        chosen(graph.model())


def test_arguments_stand_in_the_order_of_cntk() -> None:
    graph = Graph()
    a, b, c = (graph.input(name, (2,)) for name in "abc")
    inner = graph.op("Plus", b, c)
    made = chosen(graph.model(graph.op("Plus", inner, a)))
    assert inputs(made) == ["a", "b", "c"]


def test_input_that_a_block_takes_but_does_not_use_is_no_argument() -> None:
    graph = Graph()
    x, spare = graph.input("x", (2,)), graph.input("spare", (2,))
    used, unused = graph.placeholder("used"), graph.placeholder("unused")
    made = chosen(graph.model(graph.block("Layer", graph.op("Tanh", used), {unused: spare, used: x})))
    assert inputs(made) == ["x"]


@pytest.mark.parametrize("axes", [BATCH, SEQUENCE])
def test_output_that_is_an_input_too_keeps_its_name_on_both_sides(axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (2,), axes)
    y = graph.op("Negate", x)
    converted = graph.convert(x, y)
    assert [port.name for port in converted.lowered.outputs] == ["x", y]
    values = np.arange(8, dtype=np.float32).reshape((2, 2, 2) if len(axes) == 2 else (4, 2))
    made = converted.run({"x": values})
    np.testing.assert_array_equal(made["x"], values)
    np.testing.assert_array_equal(made[y], -values)


@pytest.mark.parametrize(
    ("operator", "position", "name"),
    [
        ("Plus", 0, "f"),
        ("UnpackSequence", 1, "f_UnpackSequenceMask"),
        ("TopK", 1, "f_TopKIndexMask"),
        ("Other", 2, "f_2"),
    ],
)
def test_further_outputs_are_called_as_cntk_calls_them(operator: str, position: int, name: str) -> None:
    assert output_name(Function("u", operator, (), (), "f"), position) == name


def test_outputs_of_a_block_all_carry_its_name_and_nameless_functions_none() -> None:
    assert output_name(Function("u", "Block", (), (), "f", block=Block("B", "r", {})), 1) == "f"
    assert output_name(Function("u", "TopK", (), ()), 1) == ""


def test_nodes_of_outputs_are_found_once_through_aliases() -> None:
    graph = Graph()
    hole = graph.placeholder("p")
    inner = graph.op("Tanh", hole)
    outer = graph.block("Layer", inner, {hole: graph.input("x", (2,))})
    network = dissolve(graph.model(outer, inner))
    assert [node.op for node in needed_nodes(network, [outer, inner, "x"])] == ["Tanh"]


def test_tens_of_thousands_of_outputs_are_sorted_in_linear_time() -> None:
    count = 20_000
    functions = {f"f{k}": Function(f"f{k}", "Negate", (f"f{k - 1}'" if k else "x",), (f"f{k}'",)) for k in range(count)}
    functions["loss"] = Function("loss", "SquaredError", (f"f{count // 2}'", "y"), ("loss'",))
    functions["root"] = Function("root", "Combine", (*(f"f{k}'" for k in range(count)), "loss'"), ())
    leaves = {uid: Variable(uid, VariableKind.INPUT, DataType.FLOAT, (2,)) for uid in "xy"}
    network = dissolve(Model("v2", "", "root", functions, leaves))
    started = time.process_time()
    made = choose(network)
    assert time.process_time() - started < 5
    assert len(made.outputs) == count
    assert [left.name for left in made.left_out] == ["loss'"]
