from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import DeadlineExceeded, GuardRefusedError, InvalidInputError, InvalidOptionError, ModelFailedError
from bridge.package.interface import Bound, Interface, Tensor
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.configuration import envelope_section, load_guards
from bridge.runtime.guards.distribution import DistributionGuard
from bridge.runtime.guards.fitting import fit_bank, fit_envelope
from bridge.runtime.guards.guard import Array, Call, Change
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
    def apply(self, value: Array, call: Call | None = None) -> Array:
        time.sleep(0.02)
        return super().apply(value, call)


def configured(folder: Path, text: str | bytes) -> Pipeline:
    """The guards of a file with that text, for a model without features."""
    place = folder / "guards.yaml"
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_guards(place).pipeline(INTERFACE, None)


def test_guards_see_what_those_before_them_made() -> None:
    narrow = InterfaceGuard(Tensor("x", "float32", ("N", 4), minimum=0.0, maximum=1.0))
    squeezing = BitDepthSqueeze("x", 1)
    beyond = BATCH + 1
    assert Pipeline([squeezing, narrow]).apply({"x": beyond})["x"].max() == 1
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


def test_what_no_interface_admits_is_refused_before_a_guard_sees_it() -> None:
    model = GuardedModel(Echo(), Pipeline([InterfaceGuard(X)]))
    for value in ([[0.1] * 4], BATCH.astype(np.float64), BATCH[0], np.ma.masked_array(BATCH)):
        with pytest.raises(InvalidInputError) as refused:
            model.run({"x": value})  # type: ignore[dict-item]
        assert not isinstance(refused.value, GuardRefusedError)
    assert model.pipeline.counts()["range"].seen == 0


def test_a_guard_for_an_input_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="'image'"):
        GuardedModel(Echo(), Pipeline([BitDepthSqueeze("image", 4)]))


def test_two_guards_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match="bit-depth"):
        Pipeline([BitDepthSqueeze("x", 4), BitDepthSqueeze("x", 2)])


def test_a_file_makes_the_guards_that_it_lists_in_order(tmp_path: Path) -> None:
    text = """
guards:
 - {kind: range, input: x, maximum: 0.95}
 - {kind: bit-depth, input: x, bits: 5, minimum: 0, maximum: 1, name: squeeze}
"""
    pipeline = configured(tmp_path, text)
    assert [guard.name for guard in pipeline.guards] == ["range", "squeeze"]
    with pytest.raises(GuardRefusedError, match=r"0 to 0\.95"):
        pipeline.apply({"x": np.full((1, 4), 0.99, np.float32)})


def test_a_fitted_envelope_survives_its_file(tmp_path: Path) -> None:
    pipeline = configured(tmp_path, json.dumps({"guards": [envelope_section(fit_envelope("x", BATCH))]}))
    assert pipeline.apply({"x": BATCH})["x"] is BATCH
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
        {"kind": "distribution", "input": "x", "bank": "../bank.npz", "sha256": "0" * 64, "model": "0" * 64, "features": "h"},
        {"kind": "distribution", "input": "x", "bank": "bank.npz"},
        {"kind": "range", "input": "x", "minimum": 2},
        {"kind": "range", "input": "x", "name": "two\nlines"},
        {"kind": "envelope", "input": "x", "means": [[1, 0]], "deviations": [[0, 1]]},
        {"kind": "envelope", "input": "x", "means": [[0, 1]], "deviations": [[0, 1], [0, 1]]},
    ],
)
def test_an_entry_that_departs_from_its_form_is_refused_with_the_member(tmp_path: Path, item: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionError, match="guards"):
        configured(tmp_path, json.dumps({"guards": [item]}))


@pytest.mark.parametrize("text", ["guards: &a [*a]", "!!python/object/apply:os.system [true]", "guards: {", "", "guards: []"])
def test_yaml_that_is_more_than_plain_or_says_nothing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidOptionError, match="guards"):
        configured(tmp_path, text)


def test_a_file_that_is_too_long_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="more than 1048576 bytes"):
        configured(tmp_path, b" " * ((1 << 20) + 1))
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(InvalidOptionError, match="no regular file"):
        load_guards(tmp_path / "pipe.yaml")


def test_guards_look_at_the_inputs_as_those_before_them_left_them() -> None:
    seen: list[Mapping[str, Array]] = []

    def features(call: Call) -> Array:
        seen.append(dict(call.inputs))
        return call.inputs["x"]

    bank = replace(fit_bank(BATCH, np.repeat(BATCH, 20, axis=0)), threshold=2.0)
    Pipeline([BitDepthSqueeze("x", 8), DistributionGuard("x", features, bank)]).apply({"x": BATCH, "other": BATCH})
    assert seen[0]["other"] is BATCH
    assert not np.array_equal(seen[0]["x"], BATCH)


@pytest.mark.parametrize("found", [np.zeros((3, 4)), np.zeros(8, np.int64), np.float32(1)])
def test_features_that_no_model_of_ours_computes_are_not_judged(found: Any) -> None:
    guard = DistributionGuard("x", lambda _: np.asarray(found), fit_bank(BATCH, np.repeat(BATCH, 20, axis=0)))
    with pytest.raises(ModelFailedError, match="features of 8 samples"):
        guard.apply(BATCH)


def test_a_guard_that_needs_features_is_refused_before_a_model_without(tmp_path: Path) -> None:
    data = fit_bank(BATCH, np.repeat(BATCH, 20, axis=0)).to_bytes()
    (tmp_path / "bank.npz").write_bytes(data)
    entry = {"kind": "distribution", "input": "x", "bank": "bank.npz", "model": "0" * 64, "features": "h"}
    entry["sha256"] = hashlib.sha256(data).hexdigest()
    with pytest.raises(InvalidOptionError, match="features"):
        configured(tmp_path, json.dumps({"guards": [entry]}))
    with pytest.raises(InvalidOptionError, match="more than one distribution guard"):
        configured(tmp_path, json.dumps({"guards": [entry, entry | {"name": "again"}]}))
