"""``bridge.load``: what was verified is what runs, and nothing else is loaded."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bridge
from bridge.errors import (
    DeadlineExceeded,
    IntegrityError,
    InvalidOptionError,
    InvalidPackageError,
    ModelFailedError,
    PolicyError,
    RefusedModelError,
    UnsafePathError,
)
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.loading import load_in_process
from bridge.runtime.opening import open_package
from bridge.runtime.reconversion import compare_with_reconversion
from bridge.trust.policy.document import policy_for
from bridge.trust.tree import OpenedRoot
from tests.runtime.admission.attacks import ATTACKS, Attack
from tests.runtime.admission.honest import WEIGHTS, changed, external_weights
from tests.runtime.packages import golden_package, package_signed_by, unsigned_package
from tests.trust.signed_models import claims, new_key, policy_trusting, training

X = np.ones((2, 4), np.float32)
NOBODY = policy_for((), ())


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def test_signed_package_runs_and_says_who_signed_it(tmp_path: Path) -> None:
    signer = new_key()
    package = package_signed_by(signer, tmp_path / "package")

    model = bridge.load(package, policy=policy_trusting(tmp_path, signer))

    assert np.array_equal(model.run({"x": X})["y"], X @ WEIGHTS)
    assert model.identity.signer == signer.identity
    assert len(model.identity.root_digest) == 64
    assert model.identity.sandbox == "none"


def test_isolated_package_gives_the_same_answer_from_a_sandbox(tmp_path: Path) -> None:
    package = unsigned_package(tmp_path / "package")
    model = bridge.load(package, allow_unsigned=True, isolation="process")
    try:
        assert np.array_equal(model.run({"x": X})["y"], X @ WEIGHTS)
        assert model.identity.sandbox != "none"
        with pytest.raises(bridge.BridgeError, match="finite"):
            model.run({"x": X * np.float32(np.inf)})
    finally:
        model.close()


def test_without_a_policy_nobody_is_trusted(tmp_path: Path) -> None:
    package = package_signed_by(new_key(), tmp_path / "package")
    with pytest.raises(PolicyError, match="nobody is configured"):
        bridge.load(package)


def test_a_strangers_signature_is_refused_even_where_unsigned_packages_are_allowed(tmp_path: Path) -> None:
    package = package_signed_by(new_key(), tmp_path / "package")
    with pytest.raises(PolicyError):
        bridge.load(package, policy=policy_trusting(tmp_path, new_key()), allow_unsigned=True)


def test_unsigned_package_is_refused_unless_that_is_allowed(tmp_path: Path) -> None:
    package = unsigned_package(tmp_path / "package")
    policy = policy_trusting(tmp_path, new_key())
    with pytest.raises(PolicyError, match="no signature"):
        bridge.load(package, policy=policy)
    assert bridge.load(package, policy=policy, allow_unsigned=True).identity.signer == ""


def test_one_changed_bit_of_the_weights_is_an_integrity_error(tmp_path: Path) -> None:
    signer = new_key()
    package = package_signed_by(signer, tmp_path / "package")
    model = package / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\x12")
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        bridge.load(package, policy=policy_trusting(tmp_path, signer))


def test_weights_beside_the_model_come_from_memory(tmp_path: Path) -> None:
    model = changed(external_weights(location="model.onnx.data", offset="0", length="48"))
    package = unsigned_package(tmp_path / "package", model, model_onnx_data=WEIGHTS.tobytes())
    with open_package(package, NOBODY, DEFAULT_RUNTIME_LIMITS, allow_unsigned=True) as opened:
        shutil.rmtree(package)
        served = load_in_process(opened, DEFAULT_RUNTIME_LIMITS)
    assert np.array_equal(served.run({"x": X})["y"], X @ WEIGHTS)


def test_what_replaces_a_file_after_verification_is_not_loaded(tmp_path: Path) -> None:
    package = unsigned_package(tmp_path / "package")
    with open_package(package, NOBODY, DEFAULT_RUNTIME_LIMITS, allow_unsigned=True) as opened:
        path = package / "model.onnx"
        path.write_bytes(path.read_bytes().replace(WEIGHTS.tobytes(), bytes(48)))
        served = load_in_process(opened, DEFAULT_RUNTIME_LIMITS)
    assert np.array_equal(served.run({"x": X})["y"], X @ WEIGHTS)

    import onnxruntime

    by_path = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    assert not by_path.run(["y"], {"x": X})[0].any(), "the file on disk is another one by now"


@pytest.mark.parametrize("link", ["symbolic", "hard"])
def test_link_in_a_package_is_refused(tmp_path: Path, link: str) -> None:
    package = unsigned_package(tmp_path / "package")
    outside = tmp_path / "outside"
    (package / "model.onnx").rename(outside)
    (package / "model.onnx").symlink_to(outside) if link == "symbolic" else (package / "model.onnx").hardlink_to(outside)
    assert (package / "model.onnx").read_bytes() == changed(), "whoever opens the path gets there"

    with pytest.raises(UnsafePathError):
        bridge.load(package, allow_unsigned=True)

    if link == "hard":
        with OpenedRoot(package, allow_hard_links=True) as root:
            files = list(root.files(lambda _: False))
            assert "model.onnx" in {file.name for file in files}
            for file in files:
                file.close()


def test_folder_that_is_a_link_within_the_package_is_refused(tmp_path: Path) -> None:
    package = unsigned_package(tmp_path / "package")
    (package / "reports").symlink_to(tmp_path)
    with pytest.raises(UnsafePathError):
        bridge.load(package, allow_unsigned=True)


def test_parts_of_two_packages_do_not_pass_for_one(tmp_path: Path) -> None:
    package = unsigned_package(tmp_path / "package")
    (package / "model.onnx").write_bytes(changed().replace(WEIGHTS.tobytes(), bytes(48)))
    with pytest.raises(IntegrityError, match="describes another model"):
        bridge.load(package, allow_unsigned=True)


def test_version_below_the_minimum_is_refused(tmp_path: Path) -> None:
    signer = new_key()
    package = package_signed_by(signer, tmp_path / "package")
    with pytest.raises(PolicyError) as refused:
        bridge.load(package, policy=policy_trusting(tmp_path, signer, versions={"require": True, "store": "versions.sqlite"}))
    assert refused.value.rule == "minimum-version"


def test_package_that_lost_its_claims_is_refused(tmp_path: Path) -> None:
    signer = new_key()
    package = package_signed_by(signer, tmp_path / "package")
    (package / "claims.jsonl").write_bytes(claims((training("0" * 64), signer)))
    with pytest.raises(PolicyError) as refused:
        bridge.load(package, policy=policy_trusting(tmp_path, signer))
    assert refused.value.rule == "claims"


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.number in {12, 15, 17}], ids=lambda attack: attack.name
)
def test_attack_in_a_package_is_refused_before_the_engine_sees_it(tmp_path: Path, attack: Attack) -> None:
    package = unsigned_package(tmp_path / "package", attack.build())
    with pytest.raises(RefusedModelError):
        bridge.load(package, allow_unsigned=True)


def test_settings_of_the_engine_in_the_environment_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_LOAD_CONFIG_FROM_MODEL", "1")
    bridge.load(unsigned_package(tmp_path / "package"), allow_unsigned=True)
    assert "ORT_LOAD_CONFIG_FROM_MODEL" not in os.environ


def test_folder_without_an_interface_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(changed())
    with pytest.raises(InvalidPackageError, match=r"interface\.json"):
        bridge.load(tmp_path, allow_unsigned=True)


def test_engine_that_refuses_is_told_as_our_error(tmp_path: Path) -> None:
    model = changed().replace(b"MatMul", b"Concat")
    with pytest.raises(ModelFailedError, match="the engine refuses the model"):
        bridge.load(unsigned_package(tmp_path / "package", model), allow_unsigned=True)


def test_model_that_loads_for_ever_is_given_up_in_time(tmp_path: Path) -> None:
    [bomb] = [attack for attack in ATTACKS if attack.name.startswith("functions that double")]
    package = unsigned_package(tmp_path / "package", bomb.build())
    # In a process of its own: what was left behind goes on, and only its end ends it.
    program = f"""
import os, time, bridge
from bridge.errors import DeadlineExceeded
from bridge.runtime.limits import ModelLimits, RuntimeLimits
import onnxruntime
limits = RuntimeLimits(model=ModelLimits(functions=100, expanded_nodes=1 << 30), load_seconds=0.5)
started = time.monotonic()
try:
    bridge.load({os.fspath(package)!r}, allow_unsigned=True, limits=limits)
except DeadlineExceeded:
    print(time.monotonic() - started, flush=True)
os._exit(0)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert 0.5 <= float(found.stdout) < 10


def test_loading_opens_no_file_for_writing_and_no_connection(tmp_path: Path) -> None:
    package = unsigned_package(tmp_path / "package")
    program = f"""
import sys, bridge, bridge.runtime.loading, bridge.runtime.engine, onnxruntime, jsonschema, logging
from bridge.package.interface import interface_schema
logging.disable()
seen = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & 3:
        seen.append(arguments[0])
    if event.startswith(("socket.", "subprocess.", "ctypes.dlopen", "os.exec", "os.fork", "tempfile.")):
        seen.append(event)
sys.addaudithook(watch)
model = bridge.load({os.fspath(package)!r}, allow_unsigned=True)
before = list(seen)
open({os.fspath(tmp_path / "witness")!r}, "w")
print(before, len(seen) - len(before))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout.strip() == "[] 1"
    assert sorted(path.name for path in package.iterdir()) == ["interface.json", "model.onnx"]


def test_first_run_that_fails_stops_the_loading(tmp_path: Path) -> None:
    limits = RuntimeLimits(output_bytes=4)
    with pytest.raises(ModelFailedError, match="the first run failed"):
        bridge.load(unsigned_package(tmp_path / "package"), allow_unsigned=True, limits=limits)


def test_unknown_isolation_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="isolation"):
        bridge.load(tmp_path, isolation="thread")  # type: ignore[arg-type]


def test_unknown_provider_is_bad_usage(tmp_path: Path) -> None:
    limits = RuntimeLimits(providers=("QuantumExecutionProvider",))
    with pytest.raises(InvalidOptionError, match="QuantumExecutionProvider"):
        bridge.load(unsigned_package(tmp_path / "package"), allow_unsigned=True, limits=limits)


def test_deadline_of_loading_is_an_error_of_time(tmp_path: Path) -> None:
    with pytest.raises(DeadlineExceeded, match="the loading"):
        bridge.load(unsigned_package(tmp_path / "package"), allow_unsigned=True, limits=RuntimeLimits(load_seconds=1e-9))


def test_golden_network_is_what_its_source_gives_when_converted_again(tmp_path: Path) -> None:
    package = golden_package("digits_lenet", tmp_path / "package")
    found = compare_with_reconversion(package, Path("golden/digits_lenet/model.dnn").resolve(), allow_unsigned=True)
    assert found.nodes == 13


def test_second_path_through_the_network_differs_from_what_the_source_gives(tmp_path: Path) -> None:
    import onnx
    from onnx import helper, numpy_helper

    package = golden_package("digits_lenet", tmp_path / "package")
    model = onnx.load(package / "model.onnx")
    out = model.graph.node[-1].output[0]
    model.graph.node[-1].output[0] = "honest"
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(10, np.float32), "backdoor"))
    model.graph.node.append(helper.make_node("Add", ["honest", "backdoor"], [out]))
    data = model.SerializeToString()
    from bridge.package.interface import read_interface

    interface = read_interface((package / "interface.json").read_bytes())
    attacked = unsigned_package(tmp_path / "attacked", data, interface)
    bridge.load(attacked, allow_unsigned=True).close()  # Every check on the file passes.

    with pytest.raises(RefusedModelError) as refused:
        compare_with_reconversion(attacked, Path("golden/digits_lenet/model.dnn").resolve(), allow_unsigned=True)
    assert refused.value.check == "reconversion"


def test_weights_of_a_network_in_a_file_give_the_answers_of_weights_in_the_model(tmp_path: Path) -> None:
    inside = golden_package("lstm_tagger", tmp_path / "inside")
    beside = golden_package("lstm_tagger", tmp_path / "beside", external_data_threshold=0)
    assert (beside / "model.onnx.data").exists()
    inputs = {"words": np.random.default_rng(0).standard_normal((2, 5, 80)).astype(np.float32), "lengths": np.array([5, 2])}
    answers = []
    for package in (inside, beside):
        model = bridge.load(package, allow_unsigned=True)
        shutil.rmtree(package)
        gc.collect()
        answers.append(model.run(inputs)["tags"])
    assert np.array_equal(answers[0], answers[1])


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("0", "0")])
def test_engine_is_told_to_report_to_nobody_unless_somebody_has_decided(tmp_path: Path, before: str | None, after: str) -> None:
    package = unsigned_package(tmp_path / "package")
    # In a process of its own: the switch counts when the engine is imported for the first time.
    program = f"""
import bridge, os, sys
assert "onnxruntime" not in sys.modules
seen = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
bridge.load({os.fspath(package)!r}, allow_unsigned=True).close()
print(*seen)
"""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {} if before is None else {"ORT_DISABLE_TELEMETRY": before}
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True, env=environment
    )
    assert found.stdout.split() == [after]
