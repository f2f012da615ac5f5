"""The page: complete in itself, and nothing from outside is anything but text."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tests.verify.report.sample_reports import HOSTILE, different_report, equivalent_report, hostile_report
from verify.report.document import Report
from verify.report.html import render_html

REPORTS = [equivalent_report, different_report, hostile_report]
VOID = {"meta", "br"}


class Outline(HTMLParser):
    """The elements of a page, whose tags have to match, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("report", REPORTS)
def test_nothing_is_run_or_fetched(report: Callable[[], Report]) -> None:
    outline = Outline(render_html(report()))
    names = {name for name, _ in outline.elements}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "form", "base", "image", "use", "foreignobject"}
    for name, attributes in outline.elements:
        assert not [key for key in attributes if key.startswith("on") or key in {"src", "style", "srcset"}], name
        assert (attributes.get("href") or "#").startswith("#")


def test_the_policy_admits_its_own_style_sheet_alone() -> None:
    page = render_html(equivalent_report())
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(meta["content"] for meta in Outline(page).named("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_a_node_called_script_is_text() -> None:
    outline = Outline(render_html(hostile_report()))
    assert not outline.named("script")
    assert r"""<script>alert(1)</script>\x00\x1b[31m\u202e|`*_&"'\ud800\n# x""" in outline.text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", render_html(hostile_report()).replace("\n", ""))


@pytest.mark.parametrize("report", REPORTS)
def test_headings_stand_in_order_and_links_lead_somewhere(report: Callable[[], Report]) -> None:
    outline = Outline(render_html(report()))
    levels = [int(name[1]) for name, _ in outline.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    identifiers = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert {(link["href"] or "").removeprefix("#") for link in outline.named("a")} <= set(identifiers)


def test_tables_name_their_columns_and_rows() -> None:
    outline = Outline(render_html(different_report()))
    assert {heading["scope"] for heading in outline.named("th")} == {"col", "row"}
    assert len(outline.named("caption")) == len(outline.named("table"))
    assert all(picture["aria-label"] for picture in outline.named("div") if picture.get("role") == "img")
    assert outline.named("html")[0]["lang"] == "en"


def test_the_verdict_and_what_it_rests_on() -> None:
    text = Outline(render_html(different_report())).text
    for told in (
        "Not equivalent",
        "BatchNormalization Block247",
        "resnet20/reproduce.py",
        "14 of 16",
        "61×",
        "rtol 6.1e-2, atol 6.1e-4",
        "2026-12-14 (in 23 days)",
        "bridge check --golden golden",
        "inputs 1, bisection 7",
        different_report().models[0].sha256,
        different_report().inputs[3].sha256,
        "onnxruntime 1.31.1",
    ):
        assert told in text


def test_a_waiver_past_its_day_says_so() -> None:
    report = equivalent_report()
    late = replace(report, waivers=(replace(report.waivers[0], expires="2026-11-20"),))
    assert "2026-11-20 (expired)" in Outline(render_html(late)).text


def test_what_there_is_nothing_to_say_of_is_left_out() -> None:
    report = equivalent_report()
    bare = replace(report, cases=(), waivers=(), determinism=(), inputs=(), models=(), backends=(), command="")
    outline = Outline(render_html(bare))
    assert [section["id"] for section in outline.named("section")] == ["provenance"]
    assert "Not established" in outline.text


def test_text_of_a_report_is_nowhere_a_class() -> None:
    report = hostile_report()
    for _, attributes in Outline(render_html(report)).elements:
        assert HOSTILE[:8] not in (attributes.get("class") or "")
        assert HOSTILE[:8] not in (attributes.get("id") or "")
