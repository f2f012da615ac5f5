"""What CNTK calls functions and variables, and which blocks they stand in."""

from __future__ import annotations

from bridge.graph.model import Model
from bridge.targets.pytorch.translation import Names


def names_of(model: Model) -> Names:
    """Names and attributes by uid; a function without a name has that of the innermost named block around it."""
    names = {uid: variable.name for uid, variable in model.variables.items()}
    names.update({uid: function.name for uid, function in model.functions.items()})
    attributes = {uid: dict(function.attributes) for uid, function in model.functions.items()}
    return Names(names, attributes)
