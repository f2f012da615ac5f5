"""Every family by its name."""

from cntk_side import (
    broadcasting,
    criteria,
    dynamic_axes,
    edge_values,
    exported_and_imported,
    layer_options,
    legacy_format,
    model_idioms,
    networks,
    recurrences,
    reductions,
    sequence_layers,
    shapes,
    sparse_inputs,
    spatial,
    step_idioms,
)

FAMILIES = {
    "broadcasting": broadcasting.build,
    "criteria": criteria.build,
    "dynamic_axes": dynamic_axes.build,
    "edge_values": edge_values.build,
    "exported_and_imported": exported_and_imported.build,
    "layer_options": layer_options.build,
    "legacy_format": legacy_format.build,
    "model_idioms": model_idioms.build,
    "networks": networks.build,
    "recurrences": recurrences.build,
    "reductions": reductions.build,
    "sequence_layers": sequence_layers.build,
    "shapes": shapes.build,
    "sparse_inputs": sparse_inputs.build,
    "spatial": spatial.build,
    "step_idioms": step_idioms.build,
}  # type: Dict[str, Callable[[Program], Case]]
