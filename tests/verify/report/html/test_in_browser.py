"""The page in a real browser: Chromium, without a window."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.verify.report.browser import Box, Browser, browser_or_skip
from tests.verify.report.sample_reports import different_report, equivalent_report, hostile_report
from verify.report.html import render_html

WIDTHS = [390, 1280]
PAGES = {"equivalent": equivalent_report, "different": different_report, "hostile": hostile_report}

LOW_CONTRAST = """(() => {
  const parse = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = part => (part /= 255) <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const light = colour => { const [r, g, b] = parse(colour).map(linear); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = part => { for (; part; part = part.parentElement) {
    const colour = getComputedStyle(part).backgroundColor; if ((parse(colour)[3] ?? 1) > .5) return colour; } };
  const contrast = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  const ink = part => getComputedStyle(part)[part instanceof SVGElement ? 'fill' : 'color'];
  const parts = [...document.querySelectorAll('h1,h2,h3,p,dt,dd,th,td,a,summary,figcaption,.badge,.chip,svg text')];
  const low = parts.filter(part => part.textContent.trim() && part.getBoundingClientRect().width > 1)
    .filter(part => contrast(light(ink(part)), light(ground(part))) < 4.5);
  return JSON.stringify([parts.length > 100, ...low.map(part => part.tagName + ' ' + part.textContent.slice(0, 30))]) })()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from browser_or_skip(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, report in PAGES.items():
        (folder / f"{name}.html").write_text(render_html(report()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_whole_quiet_and_no_wider_than_the_screen(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.open(pages[name], width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    # The browser complains of what the policy for content forbids, of what does not parse, and of what cannot be fetched.
    assert browser.named("Log.entryAdded") == []
    assert browser.named("Runtime.exceptionThrown") == []
    assert browser.named("Runtime.consoleAPICalled") == []
    assert [event["request"]["url"] for event in browser.named("Network.requestWillBeSent")] == [pages[name].as_uri()]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_stands_outside_its_card(browser: Browser, pages: dict[str, Path], width: int) -> None:
    browser.open(pages["different"], width=width)
    outside = browser.evaluate(
        """JSON.stringify([...document.querySelectorAll('figure, .card, .tile, .verdict, details, .scroll')].flatMap(card => {
             const box = card.getBoundingClientRect();
             return [...card.querySelectorAll('h3, p, dd, figcaption, svg, svg text, svg circle, .row-head')]
               .filter(part => !part.closest('.scroll') && !(part.closest('details') && !part.closest('details').open))
               .filter(part => { const own = part.getBoundingClientRect();
                 return own.width > 0 && (own.left < box.left - 1 || own.right > box.right + 1); })
               .map(part => part.tagName + ' ' + part.textContent.slice(0, 40)) }))"""
    )
    assert json.loads(outside) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_plots_have_a_size_and_letters_that_can_be_read(browser: Browser, pages: dict[str, Path], width: int) -> None:
    browser.open(pages["different"], width=width)
    plots = json.loads(
        browser.evaluate(
            """JSON.stringify([...document.querySelectorAll('.plot')].map(plot => {
                 const box = plot.getBoundingClientRect();
                 const sizes = [...plot.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize));
                 return [box.width, box.height, Math.min(...sizes, 99)] }))"""
        )
    )
    assert len(plots) == 6
    for across, down, letters in plots:
        assert across > 250
        assert down > 60
        assert letters >= 12


def test_the_verdict_is_in_view_without_scrolling(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["different"], width=390, height=700)
    verdict = "document.querySelector('h1')"
    assert browser.evaluate(f"{verdict}.innerText") == "Not equivalent"
    assert browser.evaluate(f"{verdict}.getBoundingClientRect().bottom") < 300
    assert browser.evaluate("document.querySelector('.arises').getBoundingClientRect().bottom") < 400


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["equivalent", "different"])
def test_text_has_contrast_in_light_and_dark(browser: Browser, pages: dict[str, Path], name: str, dark: bool) -> None:
    browser.open(pages[name], width=1280, dark=dark)
    # WCAG 2.2, success criterion 1.4.3: 4.5 to 1 for text of ordinary size.
    assert json.loads(browser.evaluate(LOW_CONTRAST)) == [True]


@pytest.mark.parametrize(
    ("name", "dark", "tone"),
    [("equivalent", False, "green"), ("different", False, "red"), ("equivalent", True, "green"), ("different", True, "red")],
)
def test_the_picture_shows_the_verdict_in_its_colour(
    browser: Browser, pages: dict[str, Path], name: str, dark: bool, tone: str
) -> None:
    browser.open(pages[name], width=1280, height=900, dark=dark)
    box = json.loads(browser.evaluate("JSON.stringify(document.querySelector('.verdict').getBoundingClientRect())"))
    edge, ground = browser.look(browser.screenshot(), [Box(box["x"] + 2, box["y"] + box["height"] / 2, 2, 2), Box(4, 4, 2, 2)])
    red, green, _ = edge.first
    assert (green > red + 40) if tone == "green" else (red > green + 80)
    assert (sum(ground.first) < 150) if dark else (sum(ground.first) > 650)
    assert edge.colours == ground.colours == 1


def test_the_picture_shows_plots_tables_and_text_where_they_belong(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["different"], width=1280)
    boxes = json.loads(
        browser.evaluate(
            "JSON.stringify([...document.querySelectorAll('figure, table, .tile')].map(part => part.getBoundingClientRect()))"
        )
    )
    # What is folded has no size, and the last pixels of an edge may be shared with what lies beside it.
    drawn = [
        Box(box["x"] + 2, box["y"] + 2, min(box["width"], 1270 - box["x"]) - 4, box["height"] - 4)
        for box in boxes
        if box["height"] > 10
    ]
    assert len(drawn) > 15
    # A part that was not drawn is of one colour; letters and marks bring dozens of shades.
    assert min(seen.colours for seen in browser.look(browser.screenshot(whole=True), drawn)) > 12
