"""Signed packages that replace each other under requests, and a model that fails until another one takes over."""

import importlib.util
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import (
    BridgeError,
    IntegrityError,
    InvalidInputError,
    ModelFailedError,
    OverloadedError,
    RefusedModelError,
    UsageError,
)
from bridge.package.interface import Bound, Interface, Tensor
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.loading import load
from bridge.runtime.served import ModelIdentity, ServedModel
from bridge.runtime.supervision.breaker import BreakerLimits
from bridge.runtime.supervision.supervised import SupervisedModel, SupervisionLimits
from bridge.runtime.warm_up import smallest_inputs
from bridge.trust.policy.model import PACKAGE, SOURCE, Policy, SignerGroup, VersionRules
from tests.package.packages import packaged, signed_source
from tests.trust.provenance.histories import BOTH

Supervise = Callable[..., SupervisedModel]


def _package(case: str, place: Path, most: int) -> Path:
    source = signed_source(case, place / "source")
    return packaged(source, place / "package", bounds={"N": Bound(1, most)}).path


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """One that trusts those who sign here, and remembers versions where no other test does."""
    store = tmp_path_factory.mktemp("versions") / "versions.sqlite"
    signers = {"us": SignerGroup("us", BOTH)}
    accepted = {SOURCE: ("us",), PACKAGE: ("us",)}
    return Policy("tests", "0" * 64, signers=signers, accepted=accepted, versions=VersionRules(store=store))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _package("digits_lenet", tmp_path_factory.mktemp("first"), 64)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network under another signature, for larger batches."""
    return _package("digits_lenet", tmp_path_factory.mktemp("second"), 128)


@pytest.fixture
def tampered(second: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(second, tmp_path / "tampered"))
    model = copy / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    return copy


@pytest.fixture
def supervised(policy: Policy) -> Iterator[Supervise]:
    made: list[SupervisedModel] = []

    def supervise(package: Path, *, isolation: Any = "none", **options: Any) -> SupervisedModel:
        one = SupervisedModel(lambda path: load(path, policy=policy, isolation=isolation), package, **options)
        made.append(one)
        return one

    yield supervise
    for one in made:
        one.close()


def answers(model: ServedModel) -> bool:
    return all(np.isfinite(array).all() for array in model.run(smallest_inputs(model.interface)).values())


def breaker_of(model: SupervisedModel) -> str:
    return model.breaker.value


def kinds(model: SupervisedModel) -> list[str]:
    return [event.kind for event in model.history.events()]


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_a_new_package_takes_over_and_the_way_back_is_open(
    supervised: Supervise, first: Path, second: Path, isolation: str
) -> None:
    model = supervised(first, isolation=isolation)
    old = model.identity
    new = model.reload(second)
    assert new.root_digest != old.root_digest
    assert model.identity == new
    assert answers(model)
    assert model.rollback() == old
    assert answers(model)
    assert model.rollback() == new
    assert kinds(model) == ["loaded", "loaded", "replaced", "rolled back", "rolled back"]
    assert [model.counters()[name] for name in ("reloads", "rollbacks")] == [1, 2]


def test_a_package_that_is_not_what_was_signed_leaves_the_old_one_in_service(
    supervised: Supervise, first: Path, tampered: Path
) -> None:
    model = supervised(first)
    old = model.identity
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        model.reload(tampered)
    assert model.identity == old
    assert answers(model)
    assert kinds(model)[-1] == "reload refused"
    assert model.counters()["failed_reloads"] == 1
    with pytest.raises(UsageError, match="no model to go back to"):
        model.rollback()


def test_a_package_with_another_interface_is_refused(supervised: Supervise, first: Path, tmp_path: Path) -> None:
    model = supervised(first)
    other = _package("text_cnn", tmp_path, 64)
    with pytest.raises(RefusedModelError, match="interface"):
        model.reload(other)
    assert answers(model)


def test_reloads_under_traffic_lose_no_request(supervised: Supervise, first: Path, second: Path) -> None:
    model = supervised(first, limits=SupervisionLimits(keep_previous=False))
    inputs = smallest_inputs(model.interface)
    expected = model.run(inputs)
    stop = threading.Event()
    wrong: list[object] = []
    answered: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                answer = model.run(inputs)
            except BridgeError as error:
                wrong.append(error)
            else:
                answered.append(1)
                if any(not np.array_equal(answer[name], expected[name]) for name in expected):
                    wrong.append("another answer")

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for package in (second, first, second):
        model.reload(package)
    stop.set()
    for asker in askers:
        asker.join()
    assert wrong == []
    assert len(answered) > 3


def test_a_fallback_under_the_same_policy_takes_the_place_of_a_refused_package(
    supervised: Supervise, first: Path, second: Path, tampered: Path
) -> None:
    model = supervised(tampered, fallback=first)
    assert isinstance(model.refusal, IntegrityError)
    assert model.is_fallback
    assert answers(model)
    assert kinds(model) == ["loaded", "fallback used"]
    new = model.reload(second)
    assert model.identity == new
    assert [model.is_fallback, model.refusal] == [False, None]


def test_a_fallback_that_is_refused_is_an_error_at_the_start(supervised: Supervise, first: Path, tampered: Path) -> None:
    with pytest.raises(IntegrityError):
        supervised(first, fallback=tampered)


def test_without_a_fallback_a_refused_package_is_an_error(supervised: Supervise, tampered: Path) -> None:
    with pytest.raises(IntegrityError):
        supervised(tampered)


def _hostile_models() -> Any:
    place = Path(__file__).parents[1] / "isolation" / "hostile" / "hostile_models.py"
    spec = importlib.util.spec_from_file_location("hostile_models", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODELS = _hostile_models()
GOOD = {"x": np.ones((1, 4), np.float32)}
BAD = {"x": np.full((1, 4), -1, np.float32)}
SQUARES = Interface(
    kind="onnx",
    model_files=("model.onnx",),
    inputs=(Tensor("x", "float32", ("N", 4)),),
    outputs=(Tensor("y", "float32", ("N", 4)),),
    symbols={"N": Bound(1, 64)},
)


def isolated(path: Path) -> ServedModel:
    """A model that fails for negative inputs, or one that does not, by the name of its package."""
    data = MODELS.squares() if path.name == "sound" else MODELS.large_allocation()
    identity = ModelIdentity(path.name, "1", "0" * 64, "")
    limits = RuntimeLimits(intra_op_threads=1)
    return IsolatedModel(memoryview(data), {}, SQUARES, identity, limits, IsolationLimits(memory_bytes=1 << 30))


def fail(model: SupervisedModel, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ModelFailedError):
            model.run(BAD)


QUICK = SupervisionLimits(breaker=BreakerLimits(failures=3, window_seconds=60, open_seconds=0.3))
SLOW = SupervisionLimits(breaker=BreakerLimits(failures=3, window_seconds=60, open_seconds=60))


def test_a_model_that_fails_again_and_again_is_left_alone() -> None:
    model = SupervisedModel(isolated, "failing", limits=SLOW)
    try:
        fail(model, 3)
        assert breaker_of(model) == "open"
        with pytest.raises(OverloadedError) as refused:
            model.run(GOOD)
        assert 0 < refused.value.retry_after <= 60
        assert model.counters()["breaker_refusals"] == 1
        assert kinds(model)[-1] == "breaker opened"
    finally:
        model.close()


def test_a_model_that_is_well_again_serves_again() -> None:
    model = SupervisedModel(isolated, "failing", limits=QUICK)
    try:
        fail(model, 3)
        threading.Event().wait(0.4)
        assert breaker_of(model) == "half-open"
        assert np.array_equal(model.run(GOOD)["y"], GOOD["x"])
        assert breaker_of(model) == "closed"
    finally:
        model.close()


def test_the_fallback_answers_while_the_breaker_is_open_and_its_use_is_counted() -> None:
    model = SupervisedModel(isolated, "failing", fallback="sound", limits=SLOW)
    try:
        assert model.identity.name == "failing"
        fail(model, 3)
        assert np.array_equal(model.run(BAD)["y"], BAD["x"] ** 2)
        assert model.identity.name == "sound"
        assert model.is_fallback
        assert model.counters()["fallback_runs"] == 1
    finally:
        model.close()


def test_inputs_that_are_refused_do_not_open_the_breaker() -> None:
    model = SupervisedModel(isolated, "failing", limits=SLOW)
    try:
        for _ in range(5):
            with pytest.raises(InvalidInputError):
                model.run({"x": np.ones((1, 5), np.float32)})
        assert breaker_of(model) == "closed"
    finally:
        model.close()


def test_a_closed_model_refuses() -> None:
    model = SupervisedModel(isolated, "sound")
    model.close()
    model.close()
    with pytest.raises(ModelFailedError, match="closed"):
        model.run(GOOD)
    with pytest.raises(ModelFailedError, match="closed"):
        model.reload("sound")
