"""The registry of translations: one function per ONNX operator that the lowering writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from bridge.targets.pytorch.translation import Translation
    from bridge.targets.pytorch.values import Value

    Rule = Callable[[Translation, ir.Node], Value | tuple[Value | None, ...]]

TRANSLATIONS: dict[str, Rule] = {}


def translates(*operators: str) -> Callable[[Rule], Rule]:
    """Register a translation of ONNX operators."""

    def register(function: Rule) -> Rule:
        for operator in operators:
            assert operator not in TRANSLATIONS, f"two translations of {operator}"
            TRANSLATIONS[operator] = function
        return function

    return register
