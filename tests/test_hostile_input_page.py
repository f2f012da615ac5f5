"""The page on hostile input tells the truth: its tests exist, and every limit is in it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from bridge.limits import Limits

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "hostile-input.md").read_text(encoding="utf-8")


def test_every_test_on_the_page_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    files = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    existing = {name for text in files for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    assert len(named) > 80
    assert named - existing == set()


def test_every_hazard_has_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| hazard"))]
    assert [row for row in rows if "`test_" not in row] == []


def test_every_limit_is_on_the_page() -> None:
    limits = {field.name for field in dataclasses.fields(Limits)}
    assert {name for name in limits if f"`{name}`" not in PAGE} == set()
