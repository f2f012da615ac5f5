"""``bridge inspect``: what a CNTK file holds. Runs nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import output_console, plain, size
from bridge.cli.exits import errors_as_exits

if TYPE_CHECKING:
    from rich.table import Table

    from bridge.inspection import Inspection, Weights


def inspect_command(
    model: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CNTK model file of either format.")],
    nodes: Annotated[bool, typer.Option("--nodes", help="List every node, with the names that --output takes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a CNTK model file holds: format, inputs, outputs, operators, parameters, hazards. Runs nothing."""
    with errors_as_exits(as_json=as_json, subject=str(model)):
        from bridge.inspection import inspect

        inspection = inspect(model)
    if as_json:
        typer.echo(json.dumps(inspection.to_json(nodes=nodes), indent=1))
        return
    console = output_console()
    for line in _summary(inspection):
        console.print(plain(line), soft_wrap=True)
    if nodes:
        console.print(_node_table(inspection))


def _summary(inspection: "Inspection") -> list[str]:
    lines = [
        f"{inspection.path}: {size(inspection.file_bytes)}, CNTK {inspection.format} ({inspection.format_version})",
        f"sha256      {inspection.sha256}",
    ]
    if inspection.name:
        lines.append(f"name        {inspection.name}")
    lines += ["inputs"]
    for variable in inspection.inputs:
        axes = ", ".join(variable.dynamic_axes) or "none"
        shape = "?" if variable.shape is None else list(variable.shape)
        sparse = ", sparse" if variable.sparse else ""
        lines.append(f"  {variable.name or variable.uid}  {variable.dtype} {shape}, dynamic axes {axes}{sparse}")
    lines += ["outputs"]
    lines += [f"  {node.name or node.uid}  {node.operator}" for node in inspection.outputs]
    lines += [
        f"operators   {_counts(inspection.operators)}",
        f"blocks      {_counts(inspection.blocks)}",
        f"parameters  {_weights(inspection.parameters)}",
        f"constants   {_weights(inspection.constants)}",
    ]
    if inspection.hazards:
        lines.append("hazards")
        lines += [f"  {hazard.kind}: {hazard.subject}: {hazard.detail}" for hazard in inspection.hazards]
    else:
        lines.append("hazards     none")
    return lines


def _counts(histogram: Mapping[str, int]) -> str:
    return ", ".join(f"{name} x{count}" for name, count in histogram.items()) or "none"


def _weights(weights: "Weights") -> str:
    return f"{weights.elements:,} values in {weights.tensors} tensors, {size(weights.bytes)}"


def _node_table(inspection: "Inspection") -> "Table":
    from rich.table import Table

    table = Table(title="Nodes", title_justify="left")
    for heading in ("uid", "operator", "name", "inputs", "outputs"):
        table.add_column(heading, overflow="fold")
    for node in inspection.nodes:
        cells = (
            node.uid,
            f"block {node.operator}" if node.is_block else node.operator,
            node.name,
            ", ".join(node.inputs),
            ", ".join(node.outputs),
        )
        table.add_row(*(plain(cell) for cell in cells))
    return table
