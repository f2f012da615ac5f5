"""What a lowering has to say besides the graph."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.errors import Refusal


@dataclass(slots=True)
class LoweringReport:
    """``float32_nodes``: nodes that run in float32 between casts. ``warnings``: where results may differ, with the bound."""

    refusals: list[Refusal] = field(default_factory=list)
    float32_nodes: dict[str, None] = field(default_factory=dict)  # ordered set
    warnings: dict[str, None] = field(default_factory=dict)

    def ran_in_float32(self, node: str) -> None:
        """Record a node whose element type the runtime has no kernel for."""
        self.float32_nodes.setdefault(node)

    def warn(self, sentence: str) -> None:
        """Record a difference that a user should know of, once."""
        self.warnings.setdefault(sentence)
