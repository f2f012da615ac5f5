"""Guards as part of ``bridge.load``: in process and isolated alike, demanded by a policy, tied to the model of their bank."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import bridge
from bridge.errors import (
    BridgeError,
    DeadlineExceeded,
    GuardRefusedError,
    IntegrityError,
    InvalidInputError,
    InvalidOptionError,
    PolicyError,
)
from bridge.runtime.guards.bit_depth import BitDepthSqueeze
from bridge.runtime.guards.configuration import load_guards
from bridge.runtime.guards.guard import Array, Call
from bridge.runtime.guards.guarded import GuardedModel
from bridge.runtime.guards.pipeline import Passed, Pipeline
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.loading import load_isolated
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.loading import load_in_process
from bridge.runtime.opening import open_package
from bridge.runtime.supervision.supervised import SupervisedModel
from bridge.trust.policy.rules import GUARDS
from tests.runtime.admission.honest import WEIGHTS
from tests.runtime.guards.digits_guards import (
    RANGE,
    SQUEEZE,
    digits,
    distribution_entry,
    fitted_digits,
    junk,
    write_entries,
)
from tests.runtime.packages import golden_package, package_signed_by, unsigned_package
from tests.trust.signed_models import new_key, policy_trusting

ONE_WORKER = IsolationLimits(workers=1, spares=0)
SIGNER = new_key()
X = np.ones((2, 4), np.float32)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package, and in ``guards`` a range, an envelope and a bank; ``all.yaml`` has a sanitiser between."""
    folder = tmp_path_factory.mktemp("guarded")
    fitted_digits(folder)
    write_entries(folder / "guards" / "all.yaml", RANGE, SQUEEZE, distribution_entry(folder / "guards"))
    return folder


@pytest.fixture(scope="module", params=["none", "process"])
def model(request: pytest.FixtureRequest, place: Path) -> Iterator[GuardedModel]:
    """The same guards before the same network, in this process and in a sandboxed one."""
    loaded = load(place, isolation=request.param)
    yield loaded
    loaded.close()


def load(place: Path, file: str = "guards/all.yaml", isolation: Literal["none", "process"] = "none", **more: Any) -> GuardedModel:
    package = place / "package"
    loaded = bridge.load(package, allow_unsigned=True, isolation=isolation, workers=ONE_WORKER, guards=place / file, **more)
    assert isinstance(loaded, GuardedModel)
    return loaded


def verdict(model: GuardedModel, image: Array) -> str:
    """The guard that refuses the image, or the class that the network finds in it."""
    try:
        return str(model.run({"image": image})["z"].argmax())
    except GuardRefusedError as error:
        return error.guard


def test_clean_digits_pass_and_are_answered_as_without_guards(place: Path, model: GuardedModel) -> None:
    before = model.pipeline.counts()["bit-depth"].changed
    bare = bridge.load(place / "package", allow_unsigned=True)
    x = digits()[1500:1504]
    assert (model.run({"image": x})["z"].argmax(axis=1) == bare.run({"image": x})["z"].argmax(axis=1)).all()
    assert model.pipeline.counts()["bit-depth"].changed == before + 1


def test_each_guard_refuses_what_it_is_for_and_counts_it(model: GuardedModel) -> None:
    before = model.pipeline.counts()
    for value, guard in ((digits()[:2] * 255, "range"), (junk(), "distribution")):
        with pytest.raises(GuardRefusedError) as refused:
            model.run({"image": value})
        assert (refused.value.guard, refused.value.name) == (guard, "image")
    counts = model.pipeline.counts()
    assert {name: counts[name].refused - before[name].refused for name in counts} == {
        "range": 1, "bit-depth": 0, "distribution": 1
    }  # fmt: skip
    assert {name: counts[name].seen - before[name].seen for name in counts} == {"range": 2, "bit-depth": 1, "distribution": 1}


def test_isolated_and_in_process_give_the_same_verdicts(place: Path) -> None:
    draw = np.random.default_rng(3)
    noisy = np.clip(digits()[:60] + draw.normal(0, 0.35, (60, 1, 8, 8)), 0, 1).astype(np.float32)
    asked = [*noisy, *junk(20), digits()[0] * 2]
    found = []
    for isolation in ("none", "process"):
        loaded = load(place, isolation=isolation)
        found.append([verdict(loaded, image[None]) for image in asked])
        loaded.close()
    assert found[0] == found[1]
    assert {"distribution", "range"} < set(found[0])
    assert found[0].count("distribution") < 60


def test_the_process_that_serves_an_isolated_model_has_no_engine(place: Path) -> None:
    program = f"""
import logging, sys
logging.disable()
import numpy as np, bridge
place = {str(place)!r}
model = bridge.load(place + "/package", allow_unsigned=True, isolation="process", guards=place + "/guards/all.yaml")
model.run({{"image": np.load({str(place / "one.npy")!r})}})
print(model.pipeline.counts()["distribution"].seen, "onnxruntime" in sys.modules, "onnx" in sys.modules)
model.close()
"""
    np.save(place / "one.npy", digits()[:1])
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout.split() == ["1", "False", "False"]


def test_the_engine_of_a_guarded_model_reports_its_use_to_nobody(place: Path) -> None:
    program = f"""
import logging, os, sys
logging.disable()
import bridge
seen = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
model = bridge.load({str(place / "package")!r}, allow_unsigned=True, guards={str(place / "guards/all.yaml")!r})
print(seen)
"""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment)
    assert found.stdout.strip() == "['1']"


def test_the_interface_is_asked_before_any_guard(model: GuardedModel) -> None:
    before = model.pipeline.counts()["range"].seen
    for value in (digits()[:1].tolist(), digits()[:1].astype(np.float64), digits()[0], np.full((1, 1, 8, 8), np.nan, np.float32)):
        with pytest.raises(InvalidInputError) as refused:
            model.run({"image": value})
        assert not isinstance(refused.value, GuardRefusedError) or np.isnan(value).any()
    assert model.pipeline.counts()["range"].seen <= before + 1


def test_who_is_served_by_which_guards_can_be_seen(place: Path, model: GuardedModel) -> None:
    identity = model.identity
    assert identity.guards == ("range", "bit-depth", "distribution")
    assert identity.guards_sha256 == load_guards(place / "guards" / "all.yaml").sha256
    assert [(status.name, status.input) for status in model.guards()] == [(name, "image") for name in identity.guards]


def test_what_the_guards_are_asked_for_is_no_request_of_the_isolated_model(place: Path) -> None:
    loaded = load(place, isolation="process")
    assert isinstance(loaded.model, IsolatedModel)
    before = loaded.counters()["requests"]
    loaded.run({"image": digits()[:1]})
    with pytest.raises(GuardRefusedError):
        loaded.run({"image": junk()})
    assert loaded.counters()["requests"] == before + 1
    assert loaded.counters()["crashes"] == loaded.counters()["protocol_violations"] == 0
    loaded.close()


def test_guards_of_another_model_are_refused(place: Path, tmp_path: Path) -> None:
    other = golden_package("v1_digits_lenet", tmp_path / "package")
    with pytest.raises(InvalidOptionError, match="fitted on another model"):
        bridge.load(other, allow_unsigned=True, guards=place / "guards" / "guards.yaml")


def test_a_bank_that_is_not_the_one_meant_is_refused_with_both_digests(place: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(place / "guards", tmp_path / "guards"))
    data = bytearray((copy / "bank.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "bank.npz").write_bytes(data)
    with pytest.raises(IntegrityError) as refused:
        load_guards(copy / "guards.yaml")
    assert refused.value.path.endswith("bank.npz")
    assert refused.value.expected == distribution_entry(place / "guards")["sha256"]


def test_a_value_that_the_model_does_not_compute_is_refused(place: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(place / "guards", tmp_path / "guards"))
    file = write_entries(copy / "guards.yaml", distribution_entry(place / "guards") | {"features": "nothing"})
    with pytest.raises(InvalidOptionError, match="computes no value 'nothing'"):
        bridge.load(place / "package", allow_unsigned=True, guards=file)


def test_features_of_another_size_are_refused_by_the_guard(place: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(place / "guards", tmp_path / "guards"))
    file = write_entries(copy / "guards.yaml", distribution_entry(place / "guards") | {"features": "z"})
    loaded = bridge.load(place / "package", allow_unsigned=True, guards=file)
    with pytest.raises(GuardRefusedError, match="samples of 64 features, as in the bank; found samples of 10"):
        loaded.run({"image": digits()[:1]})


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_a_policy_can_demand_guards(tmp_path: Path, isolation: Literal["none", "process"]) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    policy = policy_trusting(tmp_path, SIGNER, runtime={"guards": {"require": ["range", "bit-depth"]}})
    entry = {"kind": "range", "input": "x", "minimum": 0, "maximum": 1}
    half = write_entries(tmp_path / "half.yaml", entry)
    for guards, missing in ((None, "range, bit-depth with"), (half, "there are range: name a file that has bit-depth")):
        with pytest.raises(PolicyError, match=missing) as refused:
            bridge.load(package, policy=policy, isolation=isolation, guards=guards)
        assert refused.value.rule == GUARDS
    whole = write_entries(
        tmp_path / "whole.yaml", entry, {"kind": "bit-depth", "input": "x", "bits": 8, "minimum": 0, "maximum": 1}
    )
    loaded = bridge.load(package, policy=policy, isolation=isolation, workers=ONE_WORKER, guards=whole)
    assert np.allclose(loaded.run({"x": X})["y"], X @ WEIGHTS)
    loaded.close()


def test_weights_in_files_beside_the_model_are_handed_to_the_features_too(place: Path, tmp_path: Path) -> None:
    golden_package("digits_lenet", tmp_path / "package", external_data_threshold=1)
    within = fitted_digits(tmp_path)
    isolated = fitted_digits(tmp_path, isolation="process")
    inside = distribution_entry(place / "guards")
    assert isolated == within
    assert within.entries[-1]["sha256"] == inside["sha256"], "the same features"
    assert within.entries[-1]["model"] != inside["model"], "of another file"
    loaded = load(tmp_path, "guards/guards.yaml", isolation="process")
    assert loaded.run({"image": digits()[1500:1501]})["z"].shape == (1, 10)
    loaded.close()


def test_a_policy_can_demand_one_file_of_guards(tmp_path: Path) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    entry = {"kind": "range", "input": "x", "minimum": 0, "maximum": 1}
    listed = write_entries(tmp_path / "listed.yaml", entry)
    wide = write_entries(tmp_path / "wide.yaml", entry | {"maximum": 1e9})
    policy = policy_trusting(tmp_path, SIGNER, runtime={"guards": {"digests": [f"sha256:{load_guards(listed).sha256}"]}})
    assert bridge.load(package, policy=policy, guards=listed).identity.guards == ("range",)
    for guards in (None, wide):
        with pytest.raises(PolicyError, match="the policy lists") as refused:
            bridge.load(package, policy=policy, guards=guards)
        assert refused.value.rule == GUARDS


def test_the_policys_guards_are_demanded_below_bridge_load_too(tmp_path: Path) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    policy = policy_trusting(tmp_path, SIGNER, runtime={"guards": {"require": ["range"]}})
    for loader in (load_in_process, load_isolated):
        with open_package(package, policy, DEFAULT_RUNTIME_LIMITS) as opened, pytest.raises(PolicyError):
            loader(opened, DEFAULT_RUNTIME_LIMITS)


def test_guards_do_not_replace_the_policy(place: Path) -> None:
    with pytest.raises(PolicyError):
        bridge.load(place / "package", guards=place / "guards" / "guards.yaml")


class Slow(BitDepthSqueeze):
    def apply(self, value: Array, call: Call | None = None) -> Array:
        time.sleep(0.1)
        return super().apply(value, call)


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_the_deadline_holds_for_guards_and_model_together(place: Path, isolation: Literal["none", "process"]) -> None:
    bare = bridge.load(place / "package", allow_unsigned=True, isolation=isolation, workers=ONE_WORKER)
    loaded = GuardedModel(bare, Pipeline([Slow("image", 4), Slow("image", 3, name="again")]))
    assert loaded.run({"image": digits()[:1]}, timeout=5.0)["z"].shape == (1, 10)
    with pytest.raises(DeadlineExceeded, match=r"the guards gave no answer within 0\.15 s"):
        loaded.run({"image": digits()[:1]}, timeout=0.15)
    assert loaded.pipeline.counts()["again"].seen == 2
    with pytest.raises(DeadlineExceeded, match="guards"):
        loaded.run({"image": digits()[:1]}, timeout=0.05)
    assert loaded.pipeline.counts()["again"].seen == 2, "the second guard is not asked when the time is over"
    loaded.close()


def test_without_a_timeout_the_models_own_limit_is_that_of_guards_and_model(place: Path) -> None:
    bare = bridge.load(place / "package", allow_unsigned=True)
    guards = Pipeline([Slow("image", 4), Slow("image", 3, name="again")])
    loaded = GuardedModel(bare, guards, limits=RuntimeLimits(run_seconds=0.15))
    with pytest.raises(DeadlineExceeded, match=r"the guards gave no answer within 0\.15 s"):
        loaded.run({"image": digits()[:1]})
    loaded.close()


def test_without_a_timeout_a_call_in_process_stays_in_its_callers_thread(place: Path) -> None:
    loaded = load(place, limits=RuntimeLimits(warm_up=False))
    before = runs()
    loaded.run({"image": digits()[:1]})
    assert runs() == before
    loaded.run({"image": digits()[:1]}, timeout=5.0)
    assert runs() > before
    loaded.close()


def runs() -> set[threading.Thread]:
    """The threads that runs are handed to."""
    return {thread for thread in threading.enumerate() if thread.name == "bridge-run"}


def test_features_are_computed_within_the_deadline_by_a_worker_that_is_killed_for_it(place: Path) -> None:
    loaded = load(place, isolation="process")
    assert isinstance(loaded.model, IsolatedModel)
    (worker,) = loaded.model.processes()
    os.kill(worker, 19)  # SIGSTOP: it answers nothing any more.
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"0\.3 s"):
        loaded.run({"image": digits()[:1]}, timeout=0.3)
    assert time.monotonic() - begun < 0.8
    assert loaded.run({"image": digits()[:1]}, timeout=10.0)["z"].shape == (1, 10)
    assert loaded.counters()["hard_kills"] == 1
    loaded.close()


def test_inputs_are_not_judged_twice_by_the_guards_that_let_them_through(model: GuardedModel) -> None:
    passed = model.judge({"image": digits()[:1]})
    seen = model.pipeline.counts()["range"].seen
    model.run(passed)
    assert model.pipeline.counts()["range"].seen == seen
    forged = Passed({"image": junk()}, Pipeline([]))
    with pytest.raises(GuardRefusedError):
        model.run(forged)


def test_a_supervised_model_stays_behind_its_guards_when_it_is_replaced(place: Path, tmp_path: Path) -> None:
    guards = Path(shutil.copytree(place / "guards", tmp_path / "guards")) / "guards.yaml"
    model = SupervisedModel(
        lambda path: bridge.load(path, allow_unsigned=True, guards=guards), place / "package", fallback=place / "package"
    )
    model.reload(place / "package")
    with pytest.raises(GuardRefusedError):
        model.run({"image": junk()})
    guards.write_text("guards: [{kind: range}]")
    with pytest.raises(InvalidOptionError, match="guards"):
        model.reload(place / "package")
    assert model.identity.guards == ("range", "envelope", "distribution")
    with pytest.raises(GuardRefusedError):
        model.run({"image": junk()})
    assert model.breaker.value == "closed", "a refused input says nothing about the model"
    model.close()


def test_nothing_of_the_guards_is_loaded_where_there_are_none(tmp_path: Path) -> None:
    package = unsigned_package(tmp_path / "package")
    program = f"""
import logging, sys
logging.disable()
import bridge
bridge.load({str(package)!r}, allow_unsigned=True)
print(sorted(name for name in sys.modules if name.startswith("bridge.runtime.guards.")))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout.strip() == "['bridge.runtime.guards.required']"


def test_every_error_of_guards_is_one_of_ours(place: Path, tmp_path: Path) -> None:
    for text in (b"", b"guards", b"guards: []", b"\xff", b"guards: [{kind: distribution, input: image, bank: /etc/passwd}]"):
        (tmp_path / "guards.yaml").write_bytes(text)
        with pytest.raises(BridgeError):
            bridge.load(place / "package", allow_unsigned=True, guards=tmp_path / "guards.yaml")
