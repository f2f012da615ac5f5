from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from bridge.errors import DeadlineExceeded, GuardRefusedError, InvalidOptionError, InvalidPackageError
from bridge.package.interface import Bound, Interface, Tensor
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.configuration import envelope_section, guards_of, read_guards
from bridge.runtime.guards.distribution import Features
from bridge.runtime.guards.features import features_model, onnx_features
from bridge.runtime.guards.fitting import fit_bank, fit_envelope
from bridge.runtime.guards.guard import Array, Change
from bridge.runtime.guards.guarded import GuardedModel
from bridge.runtime.guards.interface import InterfaceGuard
from bridge.runtime.guards.pipeline import Pipeline
from bridge.runtime.served import ModelIdentity

X = Tensor("x", "float32", ("N", 4), minimum=0.0, maximum=1.0)
INTERFACE = Interface("onnx", ("model.onnx",), (X,), (Tensor("y", "float32", ("N", 2)),), {"N": Bound(1, 64, "batch")})
BATCH = np.random.default_rng(0).uniform(0.1, 0.9, (8, 4)).astype(np.float32)


class Echo:
    """A served model that gives back what it is asked with, and remembers the time that it was given."""

    interface = INTERFACE
    identity = ModelIdentity("echo", "1", "0" * 64, "")

    def __init__(self) -> None:
        self.timeout: float | None = None
        self.closed = False

    def run(
        self, inputs: Mapping[str, Array], *, timeout: float | None = None, outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        del outputs
        self.timeout = timeout
        return dict(inputs)

    def close(self) -> None:
        self.closed = True


class Slow(BitDepthSqueeze):
    def apply(self, value: Array) -> Array:
        time.sleep(0.02)
        return super().apply(value)


def no_files(name: str) -> bytes:
    raise InvalidPackageError(name)


def no_features(name: str) -> Features:
    raise InvalidPackageError(name)


def test_guards_see_what_those_before_them_made() -> None:
    narrow = InterfaceGuard(Tensor("x", "float32", ("N", 4), minimum=0.0, maximum=1.0))
    squeezing = BitDepthSqueeze("x", 1)
    beyond = BATCH + 1
    assert Pipeline([squeezing, narrow]).apply({"x": beyond}).inputs["x"].max() == 1
    with pytest.raises(GuardRefusedError):
        Pipeline([narrow, squeezing]).apply({"x": beyond})


def test_counts_tell_what_each_guard_did() -> None:
    pipeline = Pipeline([InterfaceGuard(X), BitDepthSqueeze("x", 1)])
    pipeline.apply({"x": BATCH})
    with pytest.raises(GuardRefusedError):
        pipeline.apply({"x": BATCH + 1})
    counts = pipeline.counts()
    assert (counts["range"].seen, counts["range"].refused) == (2, 1)
    assert (counts["bit-depth"].seen, counts["bit-depth"].changed) == (1, 1)
    assert counts["range"].seconds > 0


def test_a_model_behind_guards_gets_the_sanitised_input_and_says_what_was_changed() -> None:
    seen: list[Change] = []
    model = GuardedModel(Echo(), Pipeline([BitDepthSqueeze("x", 1)]), record=seen.append)
    assert set(np.unique(model.run({"x": BATCH})["x"])) == {0, 1}
    assert [item.guard for item in seen] == ["bit-depth"]
    assert seen[0].elements == BATCH.size


def test_the_guards_time_counts_against_the_callers() -> None:
    echo = Echo()
    model = GuardedModel(echo, Pipeline([Slow("x", 4)]))
    model.run({"x": BATCH}, timeout=1.0)
    assert echo.timeout is not None
    assert echo.timeout <= 0.98
    with pytest.raises(DeadlineExceeded, match="guards"):
        model.run({"x": BATCH}, timeout=0.01)


def test_a_guard_for_an_input_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="'image'"):
        GuardedModel(Echo(), Pipeline([BitDepthSqueeze("image", 4)]))


def test_two_guards_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match="bit-depth"):
        Pipeline([BitDepthSqueeze("x", 4), BitDepthSqueeze("x", 2)])


def test_a_section_of_yaml_makes_the_guards_that_it_lists_in_order() -> None:
    text = b"""
guards:
 - {kind: range, input: x, maximum: 0.95}
 - {kind: bit-depth, input: x, bits: 5, minimum: 0, maximum: 1, name: squeeze}
"""
    pipeline = read_guards(text, INTERFACE, no_files, no_features)
    assert [guard.name for guard in pipeline.guards] == ["range", "squeeze"]
    with pytest.raises(GuardRefusedError, match=r"0 to 0\.95"):
        pipeline.apply({"x": np.full((1, 4), 0.99, np.float32)})


def test_a_fitted_envelope_survives_its_section() -> None:
    envelope = fit_envelope("x", BATCH)
    document = json.loads(json.dumps({"guards": [envelope_section(envelope)]}))
    pipeline = guards_of(document, INTERFACE, no_files, no_features)
    assert pipeline.apply({"x": BATCH}).inputs["x"] is BATCH
    with pytest.raises(GuardRefusedError, match="envelope"):
        pipeline.apply({"x": BATCH * 3})


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "range"},
        {"kind": "filter", "input": "x"},
        {"kind": "range", "input": "z"},
        {"kind": "range", "input": "x", "bits": 3},
        {"kind": "bit-depth", "input": "x", "bits": 40, "minimum": 0, "maximum": 1},
        {"kind": "distribution", "input": "x", "bank": "../bank.npz"},
        {"kind": "envelope", "input": "x", "means": [[0, 1]], "deviations": [[0, 1], [0, 1]]},
    ],
)
def test_a_section_that_departs_from_its_form_is_refused_with_the_member(item: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionError, match="guards"):
        guards_of({"guards": [item]}, INTERFACE, no_files, no_features)


def two_layers() -> ir.Model:
    draw = np.random.default_rng(2)
    weights = {"a": draw.normal(size=(4, 6)), "b": draw.normal(size=(6, 2))}
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "a"], ["h"]),
        onnx.helper.make_node("Relu", ["h"], ["r"]),
        onnx.helper.make_node("MatMul", ["r", "b"], ["y"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "g",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 4])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 2])],
        [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return ir.from_proto(model)


def test_the_features_are_the_operand_of_the_last_layer() -> None:
    model = two_layers()
    found = features_model(model)
    assert [node.op_type for node in found.graph] == ["MatMul", "Relu"]
    assert list(found.graph.initializers) == ["a"]
    assert len(list(model.graph)) == 3
    features = onnx_features(ir.to_proto(found).SerializeToString(), "x")(BATCH)
    weights = model.graph.initializers["a"].const_value
    assert weights is not None
    assert np.allclose(features, np.maximum(BATCH @ weights.numpy(), 0), atol=1e-5)


def test_a_distribution_guard_is_made_from_its_bank_and_the_models_own_features() -> None:
    data = ir.to_proto(features_model(two_layers())).SerializeToString()
    features = onnx_features(data, "x")
    draw = np.random.default_rng(4)
    clean = draw.uniform(0.4, 0.6, (300, 4)).astype(np.float32)
    bank = fit_bank(features(clean[:150]), features(clean[150:]))
    document = {"guards": [{"kind": "distribution", "input": "x", "bank": "bank.npz"}]}
    pipeline = guards_of(document, INTERFACE, {"bank.npz": bank.to_bytes()}.__getitem__, lambda _: features)
    assert pipeline.apply({"x": clean[:1]}).inputs["x"] is not None
    with pytest.raises(GuardRefusedError, match="distribution"):
        pipeline.apply({"x": np.asarray([[1, 0, 0, 0]], np.float32)})
