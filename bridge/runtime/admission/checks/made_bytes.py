"""What nodes make: a few bytes that ask for terabytes are refused before anything is allocated."""

from __future__ import annotations

from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.subject import Subject

MADE_BYTES: Final = "made-bytes"


def check_made_bytes(subject: Subject) -> None:
    """For the smallest inputs of the interface, no node makes more than the bound, nor all of them together eight times that.

    Extents that a kernel would compute from constants are refused, so that no chain of operators hides how much is made.
    """
    limit = subject.limits.made_bytes
    total = 0
    for where in subject.estimate().unsized:
        expected = "extents that follow from the model, or from values of its inputs"
        raise RefusedModelError(MADE_BYTES, where, expected=expected, found="ones that only running it would tell")
    for where, made in subject.estimate().made:
        if made > limit:
            raise RefusedModelError(MADE_BYTES, where, expected=f"at most {limit} bytes for the smallest inputs", found=str(made))
        total += made
    if total > 8 * limit:
        raise RefusedModelError(MADE_BYTES, "all nodes together", expected=f"at most {8 * limit} bytes", found=str(total))
