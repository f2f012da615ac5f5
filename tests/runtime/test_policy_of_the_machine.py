"""What a policy asks of the machine: a package is not loaded with less of a sandbox, or with other libraries."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bridge
from bridge.errors import IntegrityError, InvalidOptionError, PolicyError
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.loading import load_isolated
from bridge.runtime.isolation.model import IsolatedModel
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS
from bridge.runtime.opening import open_package
from bridge.runtime.sandbox import report
from bridge.runtime.sandbox.report import stricter
from bridge.trust.integrity.checking import check_libraries
from bridge.trust.integrity.findings import IntegrityReport
from bridge.trust.integrity.lock import sign_lock
from bridge.trust.policy.libraries import ENGINE_LIBRARIES, refuse_other_libraries
from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import LIBRARIES, SANDBOX
from bridge.trust.signers import Signer
from tests.runtime.admission.honest import WEIGHTS
from tests.runtime.packages import package_signed_by
from tests.trust.integrity.made_distributions import record_line
from tests.trust.signed_models import fingerprint, new_key, policy_trusting

X = np.ones((2, 4), np.float32)
SIGNER = new_key()
UNREACHABLE = "landlock-9999+seccomp"


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture(scope="module")
def installed() -> IntegrityReport:
    return check_libraries(ENGINE_LIBRARIES)


def policy_with_lock(folder: Path, lock: bytes, **more: Any) -> Policy:
    (folder / "libraries.lock").write_bytes(lock)
    runtime = {"libraries": {"lock": "libraries.lock", "signers": ["team"]}}
    return policy_trusting(folder, SIGNER, runtime=runtime, **more)


def refused_by(policy: Policy) -> PolicyError:
    with pytest.raises(PolicyError) as refused:
        refuse_other_libraries(policy)
    assert refused.value.rule == LIBRARIES
    return refused.value


def test_model_that_needs_a_sandbox_is_refused_in_process(tmp_path: Path) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    policy = policy_trusting(tmp_path, SIGNER, runtime={"minimum-sandbox": "rlimits"})
    with pytest.raises(PolicyError, match="level rlimits or above; load it with isolation='process'") as refused:
        bridge.load(package, policy=policy)
    assert refused.value.rule == SANDBOX


def test_minimum_of_none_asks_for_nothing(tmp_path: Path) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    policy = policy_trusting(tmp_path, SIGNER, runtime={"minimum-sandbox": "none"})
    assert bridge.load(package, policy=policy).identity.sandbox == "none"


def test_workers_with_less_of_a_sandbox_than_the_policy_asks_for_are_refused(tmp_path: Path) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    policy = policy_trusting(tmp_path, SIGNER, runtime={"minimum-sandbox": UNREACHABLE})
    with pytest.raises(PolicyError, match=re.escape(UNREACHABLE)) as refused:
        bridge.load(package, policy=policy, isolation="process", workers=IsolationLimits(minimum_sandbox="none"))
    assert refused.value.rule == SANDBOX == report.RULE


def test_policy_does_not_lower_the_minimum_of_whoever_loads(tmp_path: Path) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    policy = policy_trusting(tmp_path, SIGNER, runtime={"minimum-sandbox": "rlimits"})
    opened = open_package(package, policy, DEFAULT_RUNTIME_LIMITS)
    with pytest.raises(PolicyError, match=re.escape(UNREACHABLE)):
        load_isolated(opened, DEFAULT_RUNTIME_LIMITS, IsolationLimits(minimum_sandbox=UNREACHABLE))


def test_isolated_model_shows_its_sandbox_and_its_workers(tmp_path: Path) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    policy = policy_trusting(tmp_path, SIGNER, runtime={"minimum-sandbox": "rlimits"})
    model = bridge.load(package, policy=policy, isolation="process", workers=IsolationLimits(workers=1, spares=0))
    try:
        assert isinstance(model, IsolatedModel)
        assert np.array_equal(model.run({"x": X})["y"], X @ WEIGHTS)
        assert model.sandbox.name == model.identity.sandbox != "none"
        assert model.counters()["answered"] == 2, "the first run, and ours"
        assert len(model.processes()) == 1
    finally:
        model.close()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("none", "rlimits", "rlimits"),
        ("landlock", "seccomp", "landlock"),
        ("landlock-4+seccomp", "landlock", "landlock-4+seccomp"),
        ("landlock-4+seccomp", "landlock-10+seccomp", "landlock-10+seccomp"),
    ],
)
def test_stricter_minimum_holds(one: str, other: str, expected: str) -> None:
    assert stricter(one, other) == stricter(other, one) == expected


def test_stricter_of_a_word_that_is_no_level_is_bad_usage() -> None:
    with pytest.raises(InvalidOptionError, match="no sandbox level"):
        stricter("none", "strong")


def test_package_is_loaded_with_the_libraries_of_the_lock(tmp_path: Path, installed: IntegrityReport) -> None:
    package = package_signed_by(SIGNER, tmp_path / "package")
    model = bridge.load(package, policy=policy_with_lock(tmp_path, sign_lock(installed, SIGNER)))
    assert np.array_equal(model.run({"x": X})["y"], X @ WEIGHTS)


def test_package_is_not_opened_with_a_library_that_the_lock_does_not_have(tmp_path: Path, installed: IntegrityReport) -> None:
    found = next(library for library in installed.libraries if library.name == "onnxruntime")
    signed_for = tuple(
        dataclasses.replace(library, files_sha256="0" * 64) if library is found else library for library in installed.libraries
    )
    policy = policy_with_lock(tmp_path, sign_lock(dataclasses.replace(installed, libraries=signed_for), SIGNER))
    with pytest.raises(IntegrityError) as refused:
        bridge.load(tmp_path / "no package at all", policy=policy)
    assert refused.value.path == "onnxruntime"
    assert refused.value.expected == f"sha256 of its files {'0' * 64}"
    assert refused.value.computed.startswith(found.files_sha256)


def test_changed_file_of_the_engine_is_named_with_both_digests_and_alerted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stands in for the engine for GPUs, which is locked like the others and which no other test needs.
    kernels, name = b"kernels as they were built", "gpu_engine_of_the_test.py"
    site = tmp_path / "site"
    metadata = b"Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.0\n"
    files = {name: kernels, "onnxruntime_gpu-1.0.dist-info/METADATA": metadata}
    for path, data in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
    record = "".join(record_line(path, data) for path, data in files.items()) + "onnxruntime_gpu-1.0.dist-info/RECORD,,\n"
    (site / "onnxruntime_gpu-1.0.dist-info/RECORD").write_text(record)
    monkeypatch.syspath_prepend(str(site))
    told = tmp_path / "told.json"
    program = f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"
    alerts = [{"command": [sys.executable, "-c", program], "timeout-seconds": 30}]
    policy = policy_with_lock(tmp_path, sign_lock(check_libraries(ENGINE_LIBRARIES), SIGNER), alerts=alerts)
    refuse_other_libraries(policy)

    changed = kernels.replace(b"built", b"brewn")
    (site / name).write_bytes(changed)
    with pytest.raises(IntegrityError) as refused:
        refuse_other_libraries(policy)
    assert refused.value.path == name
    assert refused.value.expected == f"sha256 {hashlib.sha256(kernels).hexdigest()}"
    assert hashlib.sha256(changed).hexdigest() in refused.value.computed
    incident = json.loads(told.read_text())
    assert (incident["file"], incident["rule"], incident["event"]) == (name, LIBRARIES, "integrity")


def test_lock_that_a_stranger_signed_is_refused(tmp_path: Path, installed: IntegrityReport) -> None:
    assert "libraries.lock" in str(refused_by(policy_with_lock(tmp_path, sign_lock(installed, new_key()))))


def test_lock_of_a_revoked_key_is_refused(tmp_path: Path, installed: IntegrityReport) -> None:
    revoked = {"keys": [fingerprint(SIGNER)]}
    assert "is revoked" in str(refused_by(policy_with_lock(tmp_path, sign_lock(installed, SIGNER), revoked=revoked)))


def test_revoked_lock_is_refused(tmp_path: Path, installed: IntegrityReport) -> None:
    lock = sign_lock(installed, SIGNER)
    revoked = {"digests": [hashlib.sha256(lock).hexdigest()]}
    assert "is revoked" in str(refused_by(policy_with_lock(tmp_path, lock, revoked=revoked)))


def test_missing_lock_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    policy = policy_with_lock(tmp_path, b"no lock")
    refused_by(policy)
    (tmp_path / "libraries.lock").unlink()
    assert "cannot read" in str(refused_by(policy))


def test_lock_may_be_signed_by_those_alone_whom_the_rule_names(tmp_path: Path, installed: IntegrityReport) -> None:
    other: Signer = new_key()
    policy = policy_with_lock(tmp_path, sign_lock(installed, other))
    trusted_elsewhere = policy_trusting(tmp_path, other)
    mixed = dataclasses.replace(
        policy,
        signers={**policy.signers, "others": trusted_elsewhere.signers["team"]},
        accepted={**policy.accepted, "package": ("team", "others")},
    )
    refused_by(mixed)
