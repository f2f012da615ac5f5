"""Attributes of a function."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.graph.model import Function, Hazard
from bridge.limits import Limits


def check_attributes(function: Function, limits: Limits) -> Iterator[Hazard]:
    yield from ()
