"""docs/reports.md says what is."""

import re
from pathlib import Path

import pytest

from tests.verify.report.sample_reports import different_report
from verify.report.sarif_rules import RULES
from verify.report.writing import write_reports

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reports.md").read_text()


def test_every_rule_is_listed_in_its_own_words() -> None:
    listed = re.findall(r"^\| (EQ\d+) \| (\w+) \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert listed == [(rule.identifier, rule.level, rule.short) for rule in RULES]


def test_every_form_is_listed(tmp_path: Path) -> None:
    written = {path.name for path in write_reports(different_report(), tmp_path)}
    assert set(re.findall(r"^\| `(report\.\w+)` \|", PAGE, flags=re.MULTILINE)) == written


def test_what_the_page_links_to_exists_and_the_picture_is_small() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
    assert (ROOT / "docs" / "reports.png").stat().st_size < 150_000


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    write_reports(different_report(), tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/reports.md", "exec"), {})  # noqa: S102 - the example is what is tested
    assert capsys.readouterr().out == "different ['resnet20', 'wide_and_deep']\n"
    assert (tmp_path / "again" / "report.html").read_bytes() == (tmp_path / "reports" / "report.html").read_bytes()
