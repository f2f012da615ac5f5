"""Mutated models: admission says yes, or ``RefusedModelError``, and is quick about either."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import bridge
from bridge.errors import RefusedModelError
from bridge.runtime.admission.admitting import admit
from bridge.runtime.limits import ModelLimits
from tests.fuzz.byte_mutations import mutate_bytes
from tests.runtime.admission.attacks import ATTACKS
from tests.runtime.admission.honest import changed

GOLDEN = Path(__file__).parents[3] / "golden"
NETWORKS = ("digits_lenet", "lstm_tagger", "recurrence_by_hand", "gru_encoder", "operators/edit_distance_error")
SECONDS_AT_MOST = 2.0
LIMITS = ModelLimits(
    declared_operators=frozenset({"Loop", "Constant", "ConstantOfShape", "Tile", "OneHot", "Resize"}), functions=50
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Conversions and attacks, the honest model among them."""
    place = tmp_path_factory.mktemp("models")
    found = [changed()]
    for network in NETWORKS:
        source = GOLDEN / network / "model.dnn"
        if source.exists():
            bridge.convert(source, place / "model.onnx")
            found.append((place / "model.onnx").read_bytes())
    return found + [attack.build() for attack in ATTACKS if len(attack.build()) < 50_000]


def mutate_model(data: bytes, rng: random.Random) -> bytes:
    """A change on the level of ONNX: names, operators, attributes, shapes and small constants that mean something else."""
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception:  # noqa: BLE001  # Protobuf's own class differs from release to release.
        return data
    if not model.graph.node:
        return data
    node = rng.choice(model.graph.node)
    names = [name for other in model.graph.node for name in (*other.input, *other.output)] or ["x"]
    kind = rng.randrange(7)
    if kind == 0 and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice(names)
    elif kind == 1:
        node.op_type = rng.choice(model.graph.node).op_type
    elif kind == 2 and node.attribute:
        attribute = rng.choice(node.attribute)
        attribute.i = rng.choice((-(1 << 63), -1, 0, 1 << 62))
        attribute.ints.extend([rng.choice((-(1 << 63), -1, 0, 7, 1 << 62))] * rng.randrange(4))
    elif kind == 3 and model.graph.initializer:
        tensor = rng.choice(model.graph.initializer)
        tensor.CopyFrom(numpy_helper.from_array(np.array([rng.choice((-1, 0, 3, 1 << 40, (1 << 63) - 1))] * 3), tensor.name))
    elif kind == 4 and model.graph.initializer:
        tensor = rng.choice(model.graph.initializer)
        tensor.dims.extend([rng.choice((0, 1, -1, 1 << 62))])
    elif kind == 5 and node.output:
        node.output[0] = rng.choice(names)
    else:
        model.graph.node.append(node)
    return model.SerializeToString()


def run(models: list[bytes], count: int, seed: int) -> int:
    """So many mutations; the number that was admitted."""
    rng = random.Random(seed)  # noqa: S311  # Repeatable, not secret.
    admitted = 0
    for _ in range(count):
        data = rng.choice(models)
        data = mutate_model(data, rng) if rng.random() < 0.5 else mutate_bytes(data, models, rng)
        started = time.process_time()
        try:
            admit(memoryview(data), {}, LIMITS)
            admitted += 1
        except RefusedModelError:
            pass
        assert time.process_time() - started < SECONDS_AT_MOST, data.hex()[:4000]
    return admitted


def test_mutated_models_are_admitted_or_refused(models: list[bytes]) -> None:
    assert 0 < run(models, 2000, seed=7) < 2000


@pytest.mark.slow
def test_a_hundred_thousand_mutated_models_are_admitted_or_refused(models: list[bytes]) -> None:
    assert 0 < run(models, 100_000, seed=11) < 100_000
