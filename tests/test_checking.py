import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

import bridge
from bridge.checking import CheckOptions, check, check_recorded
from bridge.errors import InvalidGoldenCaseError, InvalidPackageError, SourceError, UnsignedCodeError
from tests.cli.golden_folders import GOLDEN, LENET
from verify.equivalence.rules import Rules
from verify.report.document import Report, Waiver
from verify.report.terminal import findings

SHARED = Path(__file__).parents[2] / "shared" / "golden-cases"
USER_CODE = SHARED / "cntk-tests" / "ops-tests-userfunction_test" / "ops_tests_userfunction_test.py_test_ext_eval_1-0"


def copy_of_lenet(folder: Path, **changes: str) -> Path:
    """LeNet's case with other fields in its description."""
    shutil.copytree(LENET, folder)
    document = json.loads((folder / "case.json").read_text())
    (folder / "case.json").write_text(json.dumps(document | changes))
    return folder


def test_sound_model_that_has_to_be_refused_fails_its_case(tmp_path: Path) -> None:
    report = check_recorded(copy_of_lenet(tmp_path / "case", expect="refuse"))
    assert not report.holds
    assert "has to be refused" in report.cases[0].error


@pytest.mark.skipif(not USER_CODE.is_dir(), reason="the specification does not lie beside the checkout")
def test_model_with_user_code_holds_by_being_refused() -> None:
    report = check_recorded(USER_CODE)
    assert report.holds
    assert report.cases[0].note.startswith("refused, as it has to be: the outputs need 1 user-defined function(s)")


def test_one_unusable_case_keeps_no_other_from_being_checked(tmp_path: Path) -> None:
    copy_of_lenet(tmp_path / "sound")
    (copy_of_lenet(tmp_path / "changed") / "model.dnn").write_bytes(b"another model")
    report = check_recorded(tmp_path)
    assert [(case.case, case.holds) for case in report.cases] == [("changed", False), ("sound", True)]
    assert "not the recorded model" in report.cases[0].error


@pytest.mark.parametrize("file", ["case.json", "tensors.npz"])
def test_case_that_cannot_be_read_is_an_error_beside_the_others(tmp_path: Path, file: str) -> None:
    copy_of_lenet(tmp_path / "sound")
    (copy_of_lenet(tmp_path / "damaged") / file).write_bytes(b"{")
    for report in (check_recorded(tmp_path), check(LENET / "model.dnn", tmp_path)):
        assert [(case.case, case.holds) for case in report.cases] == [("damaged", False), ("sound", True)]
        assert file in report.cases[0].error
        assert not report.holds


def test_nothing_that_can_be_read_is_no_check(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (copy_of_lenet(tmp_path / name) / "case.json").write_bytes(b"{")
    with pytest.raises(InvalidGoldenCaseError, match=r"a/case\.json"):
        check_recorded(tmp_path)
    with pytest.raises(InvalidGoldenCaseError, match=r"a/case\.json"):
        check(LENET / "model.dnn", tmp_path)


def test_cases_are_chosen_by_the_digest_of_the_model(tmp_path: Path) -> None:
    report = check(LENET / "model.dnn", GOLDEN)
    assert [case.case for case in report.cases] == ["digits_lenet"]
    with pytest.raises(InvalidGoldenCaseError, match="no case there was recorded from this model"):
        check(LENET / "model.dnn", copy_of_lenet(tmp_path / "case", model_sha256="0" * 64))


def test_model_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        check(tmp_path / "absent.dnn", LENET)


def spoiled_lenet(folder: Path) -> Path:
    """LeNet's case with one recorded value changed."""
    shutil.copytree(LENET, folder)
    with np.load(folder / "tensors.npz") as archive:
        tensors = dict(archive)
    tensors["output/0"] = tensors["output/0"].copy()
    tensors["output/0"][1, 3] += 1
    np.savez(folder / "tensors.npz", allow_pickle=False, **tensors)
    return folder


def test_report_names_models_inputs_and_backends_by_digest_and_version() -> None:
    report = check_recorded(LENET, CheckOptions(backends=("onnxruntime-cpu", "onnx-reference"), command="bridge check"))
    assert report.holds
    assert [case.backend for case in report.cases] == ["onnxruntime-cpu", "onnx-reference"]
    assert {item.name for item in report.backends} == {"onnxruntime-cpu", "onnx-reference"}
    assert [item.role for item in report.models] == ["source", "converted"]
    assert report.models[0].sha256 == hashlib.sha256((LENET / "model.dnn").read_bytes()).hexdigest()
    assert report.inputs[0].sha256 == hashlib.sha256((LENET / "tensors.npz").read_bytes()).hexdigest()
    assert report.environment.packages["onnxruntime"]
    assert report.command == "bridge check"
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == Report.from_json(report.to_json())


def test_folder_of_a_pytorch_module_is_checked_on_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    bridge.convert(LENET / "model.dnn", tmp_path / "module", target="torch")
    report = check(tmp_path / "module", GOLDEN, CheckOptions(allow_unsigned=True))
    assert [(case.case, case.backend, case.holds) for case in report.cases] == [("digits_lenet", "pytorch-cpu", True)]


def test_code_of_a_pytorch_module_is_not_run_without_leave(tmp_path: Path) -> None:
    bridge.convert(LENET / "model.dnn", tmp_path / "module", target="torch")
    (tmp_path / "module" / "model.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')")
    with pytest.raises(UnsignedCodeError, match="would be run, and no signature covers it"):
        check(tmp_path / "module", GOLDEN)
    # Nor is code that is not the one that was converted, with leave.
    with pytest.raises(InvalidPackageError, match="not the file that was converted"):
        check(tmp_path / "module", GOLDEN, CheckOptions(allow_unsigned=True))
    assert not (tmp_path / "was-run").exists()


def test_folder_that_is_no_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackageError, match=r"interface\.json"):
        check(tmp_path, LENET, CheckOptions(allow_unsigned=True))


def test_first_case_that_does_not_hold_ends_the_check_where_that_is_wanted(tmp_path: Path) -> None:
    for name in ("a", "c"):
        shutil.copytree(LENET, tmp_path / name)
    spoiled_lenet(tmp_path / "b")
    found = check_recorded(tmp_path, CheckOptions(fail_fast=True))
    assert [(case.case, case.holds) for case in found.cases] == [("a", True), ("b", False)]
    assert len(check_recorded(tmp_path).cases) == 3


def test_waiver_that_was_applied_is_in_the_report(tmp_path: Path) -> None:
    spoiled_lenet(tmp_path / "case")
    used, other = (
        Waiver(case=name, output="z", rtol=1.0, atol=1e-3, reason="planted by a test", expires="2999-12-31")
        for name in ("case", "another")
    )
    report = check_recorded(tmp_path, CheckOptions(rules=Rules(waivers=(used, other))))
    assert report.holds
    assert [(item.case, item.applied) for item in report.waivers] == [("case", True), ("another", False)]


def test_bisection_of_a_case_that_differs_writes_what_shows_it(tmp_path: Path) -> None:
    spoiled_lenet(tmp_path / "case")
    report = check_recorded(tmp_path / "case", CheckOptions(bisect=True, report_folder=tmp_path / "report"))
    (found,) = report.bisections
    assert found.case == "case"
    assert found.backend == "onnxruntime-cpu"
    assert found.culprit is not None
    assert found.reproduction is not None
    assert (tmp_path / "report" / found.reproduction.script).is_file()


def test_progress_is_told_of_every_case_on_every_backend(tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(LENET, tmp_path / name)
    seen: list[tuple[int, int, str]] = []
    options = CheckOptions(
        backends=("onnxruntime-cpu", "onnx-reference"), progress=lambda done, total, what: seen.append((done, total, what))
    )
    check_recorded(tmp_path, options)
    assert seen == [
        (0, 4, "a on onnxruntime-cpu"),
        (1, 4, "a on onnx-reference"),
        (2, 4, "b on onnxruntime-cpu"),
        (3, 4, "b on onnx-reference"),
    ]


def test_referee_and_determinism_are_in_the_report() -> None:
    report = check_recorded(LENET, CheckOptions(referee=True, determinism=True))
    assert report.holds
    assert report.cases[0].outputs[0].referee is not None
    assert {item.check for item in report.determinism} == {"repeat", "threads", "optimisation", "batch"}
    assert "float64" in {item.name for item in report.backends}


@pytest.mark.cntk
def test_cntk_itself_gives_what_was_recorded(tmp_path: Path) -> None:
    report = check_recorded(GOLDEN / "lstm_tagger", CheckOptions(backends=("cntk",)))
    assert report.holds
    assert report.cases[0].backend == "cntk"
    spoiled = check_recorded(spoiled_lenet(tmp_path / "case"), CheckOptions(backends=("cntk",)))
    assert spoiled.cases[0].outputs[0].metrics is not None
    assert spoiled.cases[0].outputs[0].metrics.mismatches == 1


def test_cases_of_the_same_outputs_share_a_conversion(tmp_path: Path) -> None:
    copy_of_lenet(tmp_path / "first")
    copy_of_lenet(tmp_path / "second")
    report = check(LENET / "model.dnn", tmp_path, CheckOptions(determinism=True))
    assert [case.case for case in report.cases] == ["first", "second"]
    assert report.holds
    # Determinism is of a model: its first case alone is run again.
    assert {item.detail.split(":")[0] for item in report.determinism} == {"first"}


def lenet_without(folder: Path, *, metadata: str = "", output: str = "z") -> Path:
    """LeNet converted, with its last bias doubled, without a member of its metadata, its output under another name."""
    bridge.convert(LENET / "model.dnn", folder / "m.onnx")
    model = onnx.load(folder / "m.onnx")
    kept = [item for item in model.metadata_props if item.key != metadata]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    model.graph.node[-1].output[0] = model.graph.output[0].name = output
    if output == "z":
        (bias,) = (item for item in model.graph.initializer if list(item.dims) == [10])
        bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) * 2, bias.name))
    onnx.save(model, folder / "m.onnx")
    return folder / "m.onnx"


def test_bisection_that_cannot_be_had_is_told_on_the_terminal(tmp_path: Path) -> None:
    report = check(lenet_without(tmp_path, metadata="cntk_bridge.values"), LENET, CheckOptions(bisect=True))
    assert not report.holds
    assert any("digits_lenet: no bisection: " in sentence for sentence in findings(report))


def test_output_that_is_missing_is_not_looked_for_among_the_operators(tmp_path: Path) -> None:
    report = check(lenet_without(tmp_path, output="other"), LENET, CheckOptions(bisect=True))
    assert [output.verdict.value for output in report.cases[0].outputs] == ["missing", "unrecorded"]
    assert not report.bisections
