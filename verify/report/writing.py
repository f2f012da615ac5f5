"""All forms of a report in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bridge.targets.atomic import StagedFile, put_in_place
from bridge.targets.write_failures import explained
from verify.report.document import Report
from verify.report.html import render_html
from verify.report.json_report import render_json
from verify.report.junit import render_junit
from verify.report.markdown import render_markdown
from verify.report.sarif import render_sarif

HTML, JSON, JUNIT, MARKDOWN, SARIF = "report.html", "report.json", "report.xml", "report.md", "report.sarif"


def refuse_unwritable(folder: Path) -> None:
    """Raise the ``WriteError`` that ``write_reports`` would raise, before the work of which the report tells is done."""
    with explained(folder / JSON), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (HTML, JUNIT, MARKDOWN, SARIF, JSON):
            stack.enter_context(StagedFile(folder / name))  # Gone again at the end, since nothing puts it in place.


def write_reports(report: Report, folder: Path, *, case_files: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Write ``report`` to ``folder`` in all forms, all or none of them, and return their paths.

    ``case_files`` is for SARIF: the paths of the cases' descriptions in the repository, by case. Raises ``WriteError``.
    """
    # All forms are made from the document as it is written, whose figures are rounded: made again from it, they are the same.
    report = Report.from_json(report.to_json())
    texts = {
        HTML: render_html(report),
        JUNIT: render_junit(report),
        MARKDOWN: render_markdown(report),
        SARIF: render_sarif(report, case_files),
        # The last to be put in place: where it stands, the others are its own.
        JSON: render_json(report),
    }
    with explained(folder / JSON), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        files = {name: stack.enter_context(StagedFile(folder / name)) for name in texts}
        for name, file in files.items():
            with open(file.descriptor, "wb", closefd=False) as stream:
                stream.write(texts[name].encode("utf-8"))
        put_in_place(list(files.values()))
    return tuple(folder / name for name in texts)
