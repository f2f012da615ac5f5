"""``bridge check``: compares a converted model with what CNTK computed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.console import output_console, plain
from bridge.cli.exits import CHECK_FAILED, errors_as_exits


def check_command(
    golden: Annotated[
        Path,
        typer.Option("--golden", exists=True, file_okay=False, help="A golden case, or a folder of them.", show_default=False),
    ],
    model: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            dir_okay=False,
            show_default=False,
            help="A converted .onnx file, or a CNTK model, converted first. Without it, each case's own model is checked.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare every output of a model with what CNTK computed; exit 1 where one differs."""
    with errors_as_exits(as_json=as_json, subject=str(model or golden)):
        from bridge.checking import check, check_recorded

        report = check_recorded(golden) if model is None else check(model, golden)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=1))
    else:
        from verify.report.terminal import equivalence_table, findings

        console = output_console()
        console.print(equivalence_table(report))
        for sentence in findings(report):
            console.print(plain(sentence), soft_wrap=True)
    if not report.holds:
        raise typer.Exit(CHECK_FAILED)
