"""Lays statements out as ruff does: one line where it fits, brackets opened where not."""

from __future__ import annotations

from typing import Final

WIDTH: Final = 88
_OPENING: Final = "([{"
_CLOSING: Final = ")]}"


def laid_out(text: str, indent: int, behind: int = 0) -> list[str]:
    """A statement as lines; ``behind`` characters, such as a comma, still come behind the last."""
    line = " " * indent + text
    if len(line) + behind <= WIDTH:
        return [line]
    if text.startswith("def "):
        head, _, rest = text.partition("(")
        body, _, tail = rest.rpartition(") ->")
        inner = " " * (indent + 4) + body
        lines = [inner] if len(inner) <= WIDTH else [" " * (indent + 4) + part + "," for part in _split(body)]
        return [" " * indent + head + "(", *lines, " " * indent + ") ->" + tail]
    cut = _last_bracket(text)
    if cut is None:
        return _in_parentheses(text, indent)
    head, body, tail = text[: cut[0] + 1], text[cut[0] + 1 : cut[1]], text[cut[1] :]
    if not body:
        return [line]
    inner = " " * (indent + 4) + body
    parts = _split(body)
    display = head[-1] == "{" or (head[-1] == "[" and not (len(head) > 1 and (head[-2].isalnum() or head[-2] in "_)]")))
    if len(inner) <= WIDTH and not (len(parts) > 1 and (body.endswith(",") or display)):
        return [" " * indent + head, inner, " " * indent + tail]
    if len(parts) == 1:
        return [" " * indent + head, *laid_out(body.rstrip(","), indent + 4), " " * indent + tail]
    lines = [" " * indent + head]
    for part in parts:
        inside = laid_out(part, indent + 4, behind=1)
        lines += [*inside[:-1], inside[-1] + ","]
    return [*lines, " " * indent + tail]


def _in_parentheses(text: str, indent: int) -> list[str]:
    """An assignment whose value ends in no bracket: the value in parentheses, an operand a line."""
    target, equals, value = text.partition(" = ")
    if not equals:
        return [" " * indent + text]
    inner = " " * (indent + 4) + value
    if len(inner) <= WIDTH:
        return [" " * indent + f"{target} = (", inner, " " * indent + ")"]
    parts = _operands(value)
    if len(parts) == 1:
        return [" " * indent + text]
    return [" " * indent + f"{target} = (", *(" " * (indent + 4) + part for part in parts), " " * indent + ")"]


def _operands(value: str) -> list[str]:
    """The operands of the operators that bind least, each but the first with its operator in front."""
    for operators in ((" < ", " > ", " == ", " != ", " <= ", " >= "), (" | ",), (" & ",), (" + ", " - "), (" * ", " / ", " @ ")):
        parts, depth, start = [], 0, 0
        for position, character in enumerate(value):
            depth += (character in _OPENING) - (character in _CLOSING)
            if depth == 0 and position and any(value.startswith(operator, position) for operator in operators):
                parts.append(value[start:position])
                start = position + 1
        if parts:
            return [*parts, value[start:]]
    return [value]


def _last_bracket(text: str) -> tuple[int, int] | None:
    """The last pair of brackets on the outermost level, when nothing but a colon, an arrow or the like follows it."""
    depth, start, found, quoted = 0, 0, None, ""
    for position, character in enumerate(text):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character in _OPENING:
            start = position if depth == 0 else start
            depth += 1
        elif character in _CLOSING:
            depth -= 1
            if depth == 0:
                found = (start, position)
    if found is None:
        return None
    rest = text[found[1] + 1 :]
    return found if rest in ("", ":") else None


def _split(body: str) -> list[str]:
    """The parts between the commas of the outermost level."""
    parts, depth, start, quoted = [], 0, 0, ""
    for position, character in enumerate(body):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(body[start:position].strip())
            start = position + 1
    last = body[start:].strip()
    return [*parts, last] if last else parts
