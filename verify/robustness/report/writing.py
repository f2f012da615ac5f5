"""All forms of a report in one folder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bridge.targets.atomic import StagedFile, put_in_place
from bridge.targets.write_failures import explained
from verify.report.writing import HTML, JSON, JUNIT, MARKDOWN, SARIF
from verify.robustness.document import RobustnessReport
from verify.robustness.report.html.page import render_html
from verify.robustness.report.json_report import render_json
from verify.robustness.report.junit import render_junit
from verify.robustness.report.markdown import render_markdown
from verify.robustness.report.sarif import render_sarif


def write_reports(report: RobustnessReport, folder: Path) -> tuple[Path, ...]:
    """Write ``report`` to ``folder`` in all forms, all or none of them, and return their paths. Raises ``WriteError``."""
    # All forms are made from the document as it is written, whose figures are rounded: made again from it, they are the same.
    report = RobustnessReport.from_json(report.to_json())
    texts = {
        HTML: render_html(report),
        JUNIT: render_junit(report),
        MARKDOWN: render_markdown(report),
        SARIF: render_sarif(report),
        # The last to be put in place: where it stands, the others are its own.
        JSON: render_json(report),
    }
    with explained(folder / JSON), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        staged = {name: stack.enter_context(StagedFile(folder / name)) for name in texts}
        for name, file in staged.items():
            with open(file.descriptor, "wb", closefd=False) as stream:
                stream.write(texts[name].encode("utf-8"))
        put_in_place(list(staged.values()))
    return tuple(folder / name for name in texts)
