"""Parts of a graph: what they hold, what they are fed, and what the bodies of loops read from outside."""

from __future__ import annotations

import numpy as np
import onnx.parser
import pytest

from verify.equivalence.backends import BackendError
from verify.equivalence.bisection.graph import ConvertedGraph
from verify.equivalence.bisection.running import run_part

CHAIN = """
<ir_version: 8, opset_import: ["" : 17]>
chain (float[N, 2] x) => (float[N, 2] z) <float[2] w = {3, 4}> {
    a = Mul(x, w)
    b = Tanh(a)
    c = Exp(x)
    z = Add(b, c)
}
"""
LOOP = """
<ir_version: 8, opset_import: ["" : 17]>
loop (float[2] x, float[T, 2] steps) => (float[T, 2] z) {
    factor = Exp(x)
    last, z = Scan <num_scan_inputs = 1, body = body (float[2] state, float[2] step) => (float[2] next, float[2] out) {
        scaled = Mul(step, factor)
        next = Add(state, scaled)
        out = Identity(next)
    }> (x, steps)
}
"""


def graph(text: str) -> ConvertedGraph:
    return ConvertedGraph(onnx.parser.parse_model(text).SerializeToString())


def test_nodes_before_a_value_end_at_the_cuts() -> None:
    chain = graph(CHAIN)
    names = [node.op_type for node in chain.nodes]
    assert [names[number] for number in chain.before(["z"], ())] == ["Mul", "Tanh", "Exp", "Add"]
    assert [names[number] for number in chain.before(["z"], {"a"})] == ["Tanh", "Exp", "Add"]
    assert [names[number] for number in chain.before(["b", "a"], {"a"})] == ["Mul", "Tanh"]


def test_value_is_fed_and_made_at_once() -> None:
    chain, x, a = graph(CHAIN), np.ones((1, 2), np.float32), np.zeros((1, 2), np.float32)
    part = chain.part(chain.before(["a", "b"], {"a"}), {"x": x, "a": a, "not read": a}, ["a", "b"])
    assert sorted(part.feeds) == ["a", "x"]
    made = run_part(part, None)
    assert made["a"].tolist() == [[3, 4]]
    assert made["b"].tolist() == [[0, 0]]


def test_part_holds_the_constants_that_it_reads() -> None:
    chain = graph(CHAIN)
    without = chain.part(chain.before(["c"], ()), {"x": np.ones((1, 2), np.float32)}, ["c"])
    assert not without.model.graph.initializer
    assert run_part(chain.part([], {}, ["w"]), None)["w"].tolist() == [3, 4]


def test_body_of_a_loop_reads_what_is_fed_outside() -> None:
    loop = graph(LOOP)
    assert loop.before(["z"], ()) == [0, 1]
    assert loop.before(["z"], {"factor"}) == [1]
    feeds = {"x": np.zeros(2, np.float32), "steps": np.ones((2, 2), np.float32), "factor": np.full(2, 5, np.float32)}
    made = run_part(loop.part([1], feeds, ["z"]), None)
    assert made["z"].tolist() == [[5, 5], [10, 10]]


def test_runtime_objects_in_a_sentence() -> None:
    chain = graph(CHAIN)
    with pytest.raises(BackendError, match="onnxruntime does not run it"):
        run_part(chain.part([0], {"x": np.ones((1, 3), np.float32)}, ["a"]), None)
