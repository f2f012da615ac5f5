"""Text from outside, as it is shown."""

from hypothesis import given
from hypothesis import strategies as st

from verify.report.visible import one_line, visible, visible_lines


def test_control_characters_are_shown_not_obeyed() -> None:
    assert visible("a\x00b\x1b[31m\n") == r"a\x00b\x1b[31m\n"


def test_a_mark_that_turns_the_direction_of_writing_is_shown() -> None:
    assert visible("model\u202ednn") == r"model\u202ednn"


def test_letters_of_all_scripts_stay() -> None:
    assert visible("Größe 数 α") == "Größe 数 α"


def test_lines_stay_lines() -> None:
    assert visible_lines("a\n\x07b") == ["a", r"\x07b"]


def test_a_sentence_is_cut_to_one_line() -> None:
    assert one_line("a\n  b") == "a b"
    assert one_line("x" * 500, 10) == "xxxxxxxxx…"


@given(st.text())
def test_all_that_is_shown_prints(text: str) -> None:
    assert visible(text).isprintable()
    visible(text).encode("utf-8")  # which half of a surrogate pair would not bear
