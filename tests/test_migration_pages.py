"""What docs/migrating shows is what happens: commands print it, Python examples run, links lead somewhere.

Blocks of ``console`` and ``python`` are run, page by page in one folder; a block of ``text`` after one of ``python`` is what it
prints. A command that fails shows its complaint alone. Blocks of ``py`` and ``sh`` need CNTK, and are not run.
"""

import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from tests.cli.golden_folders import bridge
from tests.test_documents import ROOT, settled

PAGES = sorted((ROOT / "docs" / "migrating").rglob("*.md"))
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", flags=re.DOTALL | re.MULTILINE)
STEP = re.compile(r"^\$ bridge (.*)\n((?:(?!\$ ).*\n)*)", flags=re.MULTILINE)
ALIGNMENT = re.compile(r"[ \u2501]+|(?<=\d) (?=B\b)")
"""Widths of columns follow from what is in them, and that may vary."""


def unaligned(text: str) -> str:
    return ALIGNMENT.sub(" ", re.sub(r"\b\d+ B\b", "~", settled(text)))


@pytest.fixture
def beside_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("golden", "docs"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside_the_repository")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_shows_what_happens(page: Path) -> None:
    names: dict[str, Any] = {}
    for kind, content, printed in BLOCK.findall(page.read_text()):
        if kind == "python":
            with redirect_stdout(io.StringIO()) as stdout:
                exec(compile(content, page.name, "exec"), names)  # noqa: S102 - the example is what is tested
            assert stdout.getvalue() == printed, content
            continue
        for arguments, shown in STEP.findall(content):
            finished = bridge(*shlex.split(arguments))
            told = finished.stderr if finished.exit_code else finished.stdout
            assert unaligned(told) == unaligned(shown), arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    index = (ROOT / "docs" / "migrating" / "README.md").read_text()
    assert "(docs/migrating/README.md)" in (ROOT / "README.md").read_text()
    others = [page for page in PAGES if page.parent.name == "migrating" and page.name != "README.md"]
    assert others
    assert [page.name for page in others if f"({page.name})" not in index] == []
