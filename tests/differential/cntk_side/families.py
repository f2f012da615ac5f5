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
    sequence_layers,
    shapes,
    sparse_inputs,
    spatial,
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
    "sequence_layers": sequence_layers.build,
    "shapes": shapes.build,
    "sparse_inputs": sparse_inputs.build,
    "spatial": spatial.build,
}  # type: Dict[str, Callable[[Program], Case]]
