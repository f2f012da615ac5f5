"""The only way into a page escapes."""

from hypothesis import given
from hypothesis import strategies as st

from verify.report.html.markup import Markup, joined, lines, tag, text


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b>", tag("i", "&")) == "<p>&lt;b&gt;<i>&amp;</i></p>"


def test_attributes_are_escaped() -> None:
    assert tag("a", "x", href='"><script>', class_="y", aria_label="l", title=None) == (
        '<a href="&quot;&gt;&lt;script&gt;" class="y" aria-label="l">x</a>'
    )


def test_void_elements_have_no_end() -> None:
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_lines_keep_their_ends() -> None:
    assert lines("a\n<b>") == "a<br>&lt;b&gt;<br>"


def test_nothing_adds_nothing() -> None:
    assert joined(None, "a", None) == "a"


@given(st.text())
def test_no_text_becomes_markup(value: str) -> None:
    shown = text(value)
    assert isinstance(shown, Markup)
    assert "<" not in shown
    assert '"' not in tag("p", title=value).removeprefix('<p title="').removesuffix('"></p>')
