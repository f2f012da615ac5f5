"""The functions and classes of ``snippets``, as text: with what they need themselves, in the order of their files."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

_FILES: Final = ("sequences.py", "windows.py", "cells.py")


@dataclass(frozen=True, slots=True)
class _Piece:
    name: str
    text: str
    needs: frozenset[str]


@cache
def _pieces() -> tuple[_Piece, ...]:
    found: list[tuple[str, str, ast.stmt]] = []
    for file in _FILES:
        text = resources.files("bridge.targets.pytorch.snippets").joinpath(file).read_text("utf-8")
        for statement in ast.parse(text).body:
            segment = ast.get_source_segment(text, statement)
            assert segment is not None
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                found.append((statement.name, segment, statement))
            elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                found.append((statement.targets[0].id, segment, statement))
    names = {name for name, _, _ in found}
    return tuple(
        _Piece(name, text, frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name)) & names - {name})
        for name, text, tree in found
    )


def snippet_names() -> set[str]:
    """What all pieces are called."""
    return {piece.name for piece in _pieces()}


def snippets(wanted: Iterable[str]) -> list[str]:
    """The text of each piece that is wanted or needed by one that is."""
    pieces = {piece.name: piece for piece in _pieces()}
    needed: set[str] = set()
    pending = list(wanted)
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending.extend(pieces[name].needs)
    return [piece.text for piece in _pieces() if piece.name in needed]
