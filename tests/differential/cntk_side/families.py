"""Every family by its name."""

from cntk_side import (
    broadcasting,
    criteria,
    dynamic_axes,
    edge_values,
    legacy_format,
    networks,
    recurrences,
    reductions,
    shapes,
)

FAMILIES = {
    "broadcasting": broadcasting.build,
    "criteria": criteria.build,
    "dynamic_axes": dynamic_axes.build,
    "edge_values": edge_values.build,
    "legacy_format": legacy_format.build,
    "networks": networks.build,
    "recurrences": recurrences.build,
    "reductions": reductions.build,
    "shapes": shapes.build,
}  # type: Dict[str, Callable[[Program], Case]]
