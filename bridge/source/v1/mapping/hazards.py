"""What is legal in a v1 file and yet worth knowing before it is trusted: names that would make CNTK reach outside the model."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.graph.model import Function, Hazard, Variable
from bridge.source.v1.cursor import shown
from bridge.source.v1.mapping.builder import Builder, Translation


def note_path(at: Translation, field: str) -> None:
    """Record that the node names a file. CNTK opens it, some while it only loads the model; here nothing does."""
    path = at.node.text(field)
    if path:
        at.builder.hazards.append(Hazard("file-path", at.uid, f"{field} names the file {shown(path)}, which is never opened"))


def note_environment(at: Translation, field: str) -> None:
    """Record that the node takes its value from the process around it."""
    at.builder.hazards.append(
        Hazard(
            "environment",
            at.uid,
            f"reads the property {shown(at.node.text(field))} of the process, which is not part of the model",
        )
    )


def unprintable_names(builder: Builder) -> Iterator[Hazard]:
    """Names that would garble what shows them."""
    items: tuple[Function | Variable, ...] = (*builder.functions.values(), *builder.variables.values())
    for item in items:
        if not (item.uid.isprintable() and item.name.isprintable()):
            text = item.name if item.uid.isprintable() else item.uid
            yield Hazard("unprintable-name", item.uid, f"{shown(text)} has control or direction-changing characters")
