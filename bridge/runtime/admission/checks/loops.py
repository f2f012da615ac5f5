"""Loops that end: trip counts that the file states are bounded, and so is what loops in loops come to."""

from __future__ import annotations

from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.subject import Subject

LOOPS: Final = "loops"


def check_loops(subject: Subject) -> None:
    """A Loop states how often it runs, as a constant. A Scan is as long as its inputs, whose symbols the interface bounds."""
    limits = subject.limits
    for loop in subject.estimate().trips:
        if loop.count is None and loop.operator == "Loop":
            raise RefusedModelError(
                LOOPS, loop.where, expected="a number of trips that is a constant", found="one that is computed"
            )
        if loop.count is not None and loop.count > limits.loop_trips:
            raise RefusedModelError(LOOPS, loop.where, expected=f"at most {limits.loop_trips} trips", found=str(loop.count))
        if loop.nested > limits.nested_trips:
            raise RefusedModelError(
                LOOPS, loop.where, expected=f"at most {limits.nested_trips} trips in all", found=str(loop.nested)
            )
