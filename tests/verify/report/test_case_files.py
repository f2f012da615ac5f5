"""Where golden cases stand in a repository."""

from pathlib import Path

from verify.report.case_files import case_files


def test_cases_are_found_by_name_relative_to_the_repository(tmp_path: Path) -> None:
    for folder in ("golden/a", "golden/deeper/b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "case.json").write_text("{}")
    assert case_files(tmp_path / "golden", tmp_path) == {"a": "golden/a/case.json", "b": "golden/deeper/b/case.json"}
    assert case_files(tmp_path / "golden" / "a", tmp_path) == {"a": "golden/a/case.json"}
    assert case_files(tmp_path / "golden", tmp_path / "elsewhere") == {}
