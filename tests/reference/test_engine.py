"""The real CNTK: what it computes, what of it can be asked for, and what keeps it apart.

Runs with the installation of ``BRIDGE_REFERENCE_ROOT``, or with the interpreter that ``BRIDGE_CNTK_PYTHON`` names.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import bridge
from bridge.checking import check_recorded
from bridge.errors import ReferenceChangedError, ReferenceEvaluationError, ReferenceMissingError, UserCodeError
from bridge.reference.engine import ReferenceEngine
from bridge.reference.environment import EXTERNAL_PYTHON
from bridge.reference.installation import install
from bridge.reference.integrity import InstalledFiles
from bridge.reference.lock import load_lock
from bridge.reference.recording.record import record
from bridge.reference.values import EVERYTHING, Batch, EngineLimits, Wanted
from verify.equivalence.cases import GoldenCase, load_case

ROOT = "BRIDGE_REFERENCE_ROOT"
WHEELS = "BRIDGE_REFERENCE_WHEELS"
GOLDEN = Path(__file__).parents[2] / "golden"
NETWORKS = sorted(path.parent.name for path in GOLDEN.glob("*/case.json"))

pytestmark = [
    pytest.mark.cntk,
    pytest.mark.skipif(
        ROOT not in os.environ and EXTERNAL_PYTHON not in os.environ,
        reason=f"needs the real CNTK 2.7: neither {ROOT} nor {EXTERNAL_PYTHON} is set",
    ),
]
needs_wheels = pytest.mark.skipif(
    WHEELS not in os.environ, reason=f"needs a folder with the wheels of the lock: {WHEELS} is not set"
)


@pytest.fixture(scope="module")
def engine() -> ReferenceEngine:
    return ReferenceEngine.find(Path(os.environ[ROOT]) if ROOT in os.environ else None)


def _inputs(case: GoldenCase) -> dict[str, Batch]:
    return {variable.description.uid: variable.value for variable in case.inputs}


def _same(left: Batch, right: Batch) -> bool:
    pairs = [(left, right)] if isinstance(left, np.ndarray) else zip(left, right, strict=True)
    return all(np.array_equal(a, b, equal_nan=True) and np.shape(a) == np.shape(b) for a, b in pairs)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_computes_what_was_recorded_bit_by_bit_inner_values_included(engine: ReferenceEngine, name: str) -> None:
    case = load_case(GOLDEN / name)
    wanted = [Wanted(variable.description.uid, variable.description.name) for variable in case.outputs]
    evaluation = engine.evaluate(GOLDEN / name / "model.dnn", _inputs(case), wanted, repeat=True)
    assert evaluation.differing == ()
    assert [variable.uid for variable in evaluation.arguments] == [variable.description.uid for variable in case.inputs]
    for variable in case.outputs:
        assert _same(evaluation.values[variable.description.uid].value, variable.value)
    inner = engine.evaluate(GOLDEN / name / "model.dnn", _inputs(case), EVERYTHING)
    assert inner.inner_values_exact
    assert len(inner.values) > 10
    assert set(inner.unavailable.values()) <= {"depends on an input that was not given"}


def test_values_inside_blocks_are_asked_for_by_uid_or_name(engine: ReferenceEngine) -> None:
    case = load_case(GOLDEN / "digits_lenet")
    evaluation = engine.evaluate(
        GOLDEN / "digits_lenet/model.dnn", _inputs(case), ["ReLU405_Output_0", "conv1", "Convolution401_Output_0", "nothing"]
    )
    inside, block = (np.asarray(evaluation.values[key].value) for key in ("ReLU405_Output_0", "conv1"))
    np.testing.assert_array_equal(inside, block)
    assert inside.shape == (50, 16, 8, 8)
    assert evaluation.values["Convolution401_Output_0"].variable.operator == "Convolution"
    assert list(evaluation.unavailable) == ["nothing"]


def test_it_reaches_no_network_and_writes_nowhere_else(engine: ReferenceEngine) -> None:
    evaluation = engine.evaluate(GOLDEN / "digits_lenet/model.dnn", {"image": np.zeros((1, 1, 8, 8), np.float32)})
    assert evaluation.confinement.network == "none"
    assert not evaluation.confinement.writable_elsewhere


def test_inputs_that_do_not_fit_are_refused_in_cntks_words(engine: ReferenceEngine) -> None:
    with pytest.raises(ReferenceEvaluationError, match="shape"):
        engine.evaluate(GOLDEN / "digits_lenet/model.dnn", {"image": np.zeros((1, 1, 9, 9), np.float32)})
    with pytest.raises(ReferenceEvaluationError, match="no input 'picture'"):
        engine.evaluate(GOLDEN / "digits_lenet/model.dnn", {"picture": np.zeros((1, 1, 8, 8), np.float32)})
    with pytest.raises(ReferenceEvaluationError, match="inputs without a value: 'image'"):
        engine.evaluate(GOLDEN / "digits_lenet/model.dnn", {})


def test_the_time_limit_ends_it(engine: ReferenceEngine) -> None:
    with pytest.raises(ReferenceEvaluationError, match=r"did not finish within 0\.05 s"):
        engine.evaluate(GOLDEN / "digits_lenet/model.dnn", {"image": np.zeros((1, 1, 8, 8), np.float32)}, timeout=0.05)


def test_the_memory_limit_ends_it(engine: ReferenceEngine) -> None:
    small = ReferenceEngine(engine.environment, EngineLimits(memory_bytes=200 << 20))
    with pytest.raises(ReferenceEvaluationError, match="without an answer"):
        small.evaluate(GOLDEN / "digits_lenet/model.dnn", {"image": np.zeros((1, 1, 8, 8), np.float32)})


def test_user_code_is_refused_before_cntk_starts(engine: ReferenceEngine) -> None:
    with pytest.raises(UserCodeError):
        engine.evaluate(GOLDEN.parent / "docs/migrating/examples/custom.dnn", {})


@pytest.mark.parametrize("name", ["lstm_tagger", "double_precision", "v1_digits_lenet", "wide_and_deep"])
def test_recorded_cases_hold_for_the_converted_model(engine: ReferenceEngine, tmp_path: Path, name: str) -> None:
    recording = record(GOLDEN / name / "model.dnn", tmp_path, engine=engine, samples=3, seed=7, intermediates=True)
    assert recording.written == len(recording.cases) >= 8
    assert not any(case.unavailable for case in recording.cases)
    assert check_recorded(tmp_path).holds


def test_a_recording_is_the_same_bytes_each_time(engine: ReferenceEngine, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        record(GOLDEN / "lstm_tagger/model.dnn", tmp_path / folder, engine=engine, seed=1)
    for path in (tmp_path / "first").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "second" / path.relative_to(tmp_path / "first")).read_bytes()


def test_inputs_of_the_users_are_recorded_as_one_case(engine: ReferenceEngine, tmp_path: Path) -> None:
    (tmp_path / "words.ctf").write_text("0 |words 3:1\n0 |words 5:1\n1 |words 79:1\n")
    recording = record(GOLDEN / "lstm_tagger/model.dnn", tmp_path / "case", inputs=tmp_path / "words.ctf", engine=engine)
    assert recording.cases[0].folder == tmp_path / "case"
    case = load_case(tmp_path / "case")
    assert [len(sequence) for sequence in case.inputs[0].value] == [2, 1]
    assert check_recorded(tmp_path / "case").holds


def test_what_cntk_refuses_is_told_of_and_the_rest_recorded(engine: ReferenceEngine, tmp_path: Path) -> None:
    recording = record(GOLDEN / "text_cnn/model.dnn", tmp_path, engine=engine)
    refused = {case.name: case.refusal for case in recording.cases if case.folder is None}
    assert set(refused) == {"one_step"}
    assert "kernel dim 3 <= input dim 1" in refused["one_step"]
    assert recording.written == len(recording.cases) - len(refused)


@needs_wheels
def test_an_installation_holds_until_a_file_of_it_changes(tmp_path: Path) -> None:
    installation = install(tmp_path / "engine", wheels=os.environ[WHEELS])
    assert installation.files == InstalledFiles(installation.root).check().files
    changed = installation.root / "site-packages/cntk/ops/__init__.py"
    changed.chmod(0o644)
    changed.write_bytes(changed.read_bytes() + b"\n")
    (installation.root / "site-packages/sitecustomize.py").write_text("print('hello')\n")
    with pytest.raises(ReferenceChangedError, match=r"cntk/ops/__init__\.py: changed"):
        ReferenceEngine(installation.environment)
    assert InstalledFiles(installation.root).check().extra == ("site-packages/sitecustomize.py",)


@needs_wheels
def test_a_tampered_wheel_leaves_the_installed_engine_as_it_was(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for wheel in load_lock().wheels:
        shutil.copyfile(Path(os.environ[WHEELS], wheel.file), wheels / wheel.file)
    target = wheels / load_lock().wheels[1].file
    data = bytearray(target.read_bytes())
    data[1000] ^= 1
    target.write_bytes(data)
    with pytest.raises(ReferenceChangedError, match=f"{target.name}: not the wheel of the lock"):
        install(tmp_path / "engine", wheels=wheels)
    assert [path.name for path in tmp_path.iterdir()] == ["wheels"]


def test_an_engine_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ReferenceMissingError, match="`bridge reference install` does that"):
        ReferenceEngine.find(tmp_path)
    assert bridge.BridgeError in ReferenceMissingError.__mro__
