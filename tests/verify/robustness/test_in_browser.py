"""The page in a real browser: Chromium, without a window."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.verify.report.browser import Browser, browser_or_skip
from tests.verify.robustness.sample_reports import sample_report
from verify.robustness.report.html.page import render_html


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from browser_or_skip(tmp_path_factory.mktemp("profile"))


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_quiet_no_wider_than_the_screen_and_shows_its_images(browser: Browser, tmp_path: Path, width: int) -> None:
    file = tmp_path / "report.html"
    file.write_text(render_html(sample_report(raised=True, norms=("linf", "l2"))), encoding="utf-8")
    browser.open(file, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.named("Log.entryAdded") == []
    assert browser.evaluate("[...document.images].every(image => image.complete && image.naturalWidth === 8)") is True
    fetched = [event["request"]["url"] for event in browser.named("Network.requestWillBeSent")]
    assert [url for url in fetched if not url.startswith("data:")] == [file.as_uri()]
