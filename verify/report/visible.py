"""Names from models and from errors, made fit to be shown.

A name may hold control characters, line ends, marks that turn the direction of writing, or half of a surrogate pair. None of them
is obeyed by a report: each stands there in the escaped form that Python's ``ascii`` gives it.
"""

from __future__ import annotations


def visible(text: str) -> str:
    """``text`` on one line, with every character that does not print in escaped form."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def visible_lines(text: str) -> list[str]:
    """The lines of ``text``, each as ``visible`` gives it."""
    return [visible(line) for line in text.split("\n")]


def one_line(text: str, limit: int = 400) -> str:
    """A sentence for a place that has one line: white space becomes a space, and what exceeds ``limit`` characters is cut."""
    # What is cut in any case need not be looked at, however long it is.
    line = visible(" ".join(text[: 2 * limit].split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _escaped(character: str) -> str:
    return ascii(character)[1:-1]
