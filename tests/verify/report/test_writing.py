"""All forms in one folder."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bridge.errors import WriteError
from tests.verify.report.sample_reports import different_report, equivalent_report, hostile_report
from verify.report.document import CaseVerdict
from verify.report.json_report import parse_json
from verify.report.writing import refuse_unwritable, write_reports


def test_all_forms_are_written(tmp_path: Path) -> None:
    paths = write_reports(different_report(), tmp_path / "deep" / "reports", case_files={"resnet20": "golden/resnet20/case.json"})
    folder = tmp_path / "deep" / "reports"
    names = {"report.html", "report.json", "report.md", "report.sarif", "report.xml"}
    assert {path.name for path in paths} == {path.name for path in folder.iterdir()} == names
    assert parse_json((folder / "report.json").read_bytes()).verdict is CaseVerdict.DIFFERENT
    assert ET.parse(folder / "report.xml").getroot().tag == "testsuites"  # noqa: S314 - our own text.
    assert "golden/resnet20/case.json" in (folder / "report.sarif").read_text()
    assert json.loads((folder / "report.sarif").read_text())["version"] == "2.1.0"


def test_hostile_text_can_be_written(tmp_path: Path) -> None:
    for path in write_reports(hostile_report(), tmp_path):
        assert b"<script" not in path.read_bytes() or path.suffix in {".json", ".sarif"}


def test_a_second_report_replaces_the_first(tmp_path: Path) -> None:
    write_reports(different_report(), tmp_path)
    write_reports(equivalent_report(), tmp_path)
    assert parse_json((tmp_path / "report.json").read_bytes()).holds
    assert "Not equivalent" not in (tmp_path / "report.html").read_text()
    assert len(list(tmp_path.iterdir())) == 5


def test_a_failure_leaves_the_first_report_whole(tmp_path: Path) -> None:
    write_reports(equivalent_report(), tmp_path)
    (tmp_path / "report.md").unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "report.md").mkdir()
    with pytest.raises(WriteError, match="it is a folder"):
        write_reports(different_report(), tmp_path)
    (tmp_path / "report.md").rmdir()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(WriteError):
        write_reports(equivalent_report(), tmp_path / "taken")


def test_folder_that_cannot_take_a_report_is_refused_before_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "report.sarif").mkdir()
    with pytest.raises(WriteError, match="it is a folder"):
        refuse_unwritable(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="Not a directory"):
        refuse_unwritable(tmp_path / "file" / "reports")


def test_looking_whether_a_report_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("the last one")
    refuse_unwritable(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_text() == "the last one"
