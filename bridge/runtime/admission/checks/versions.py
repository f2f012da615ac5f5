"""The versions of ONNX that are admitted, and the operator sets: ONNX's own alone."""

from __future__ import annotations

from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.subject import Subject

VERSIONS: Final = "versions"
STANDARD_DOMAINS: Final = frozenset({"", "ai.onnx"})
"""Both names of ONNX's own operators."""


def check_versions(subject: Subject) -> None:
    """IR version and operator set lie in the window, and no other operator set is imported but those of declared functions."""
    model, limits = subject.model, subject.limits
    _in_window("the IR version", model.ir_version, limits.ir_versions)
    local = {function.domain for function in model.functions}
    for owner, opsets in (("the model", model.opsets), *((function.where, function.opsets) for function in model.functions)):
        for domain, version in opsets:
            if domain in STANDARD_DOMAINS:
                _in_window(f"the operator set of {owner}", version, limits.opsets)
            elif domain not in local:
                raise RefusedModelError(
                    VERSIONS, owner, expected="ONNX's operator set alone", found=f"the domain {domain[:200]!a}"
                )
    if sum(domain in STANDARD_DOMAINS for domain, _ in model.opsets) != 1:
        raise RefusedModelError(
            VERSIONS, "the model", expected="ONNX's operator set once", found=f"{len(model.opsets)} operator sets"
        )


def _in_window(what: str, version: int, window: tuple[int, int]) -> None:
    least, greatest = window
    if not least <= version <= greatest:
        raise RefusedModelError(VERSIONS, what, expected=f"{least} to {greatest}", found=str(version))
