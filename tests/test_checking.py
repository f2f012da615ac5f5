import json
import shutil
from pathlib import Path

import pytest

from bridge.checking import check, check_recorded
from bridge.errors import InvalidGoldenCaseError, SourceError
from tests.cli.golden_folders import GOLDEN, LENET

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
    assert report.cases[0].note.startswith("refused, as it has to be: the model holds 1 user-defined function(s)")


def test_one_unusable_case_keeps_no_other_from_being_checked(tmp_path: Path) -> None:
    copy_of_lenet(tmp_path / "sound")
    (copy_of_lenet(tmp_path / "changed") / "model.dnn").write_bytes(b"another model")
    report = check_recorded(tmp_path)
    assert [(case.case, case.holds) for case in report.cases] == [("changed", False), ("sound", True)]
    assert "not the recorded model" in report.cases[0].error


def test_cases_are_chosen_by_the_digest_of_the_model(tmp_path: Path) -> None:
    report = check(LENET / "model.dnn", GOLDEN)
    assert [case.case for case in report.cases] == ["digits_lenet"]
    with pytest.raises(InvalidGoldenCaseError, match="no case there was recorded from this model"):
        check(LENET / "model.dnn", copy_of_lenet(tmp_path / "case", model_sha256="0" * 64))


def test_model_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        check(tmp_path / "absent.dnn", LENET)
