"""``bridge golden``: golden cases, recorded with the real CNTK 2.7."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import error_console, output_console, plain
from bridge.cli.exits import CHECK_FAILED, errors_as_exits

if TYPE_CHECKING:
    from bridge.reference.recording.record import Recording

golden_app = typer.Typer(
    name="golden",
    help="Golden cases: what the real CNTK 2.7 computes, recorded for `bridge check`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@golden_app.callback()
def golden() -> None:
    """Golden cases: what the real CNTK 2.7 computes, recorded for `bridge check`."""


@golden_app.command("record")
def record_command(
    model: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CNTK model file.", show_default=False)],
    output_path: Annotated[
        Path,
        typer.Option("--output-path", "-o", help="Folder for the cases; with --inputs, for the one case.", show_default=False),
    ],
    inputs: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Values for the inputs: .npz, .npy, or CNTK's text format.  [default: generated]"
        ),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=100_000, help="Samples, or sequences, of each generated case.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="What generated values are drawn from.")] = 0,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output", help="Name or uid of a node to record; may be repeated.  [default: the model's predictions]"),
    ] = None,
    intermediates: Annotated[bool, typer.Option("--intermediates", help="Record the value of every node as well.")] = False,
    engine: Annotated[
        Path | None, typer.Option(help="Where the reference engine is installed.  [default: the user's data directory]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace golden cases that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Record golden cases of a model with the real CNTK 2.7, in a process without network; exit 1 where CNTK refused them all."""
    with errors_as_exits(as_json=as_json, subject=str(model)):
        from bridge.reference.engine import ReferenceEngine
        from bridge.reference.recording.record import record

        console = error_console()
        with console.status("checking the reference engine") as status:
            found = ReferenceEngine.find(engine)
            recording = record(
                model,
                output_path,
                inputs=inputs,
                samples=samples,
                seed=seed,
                outputs=outputs,
                intermediates=intermediates,
                engine=found,
                overwrite=force,
                report=lambda name, done, total: status.update(f"recording {name} ({done} of {total} done)"),
            )
    if as_json:
        typer.echo(json.dumps(recording.to_json(), indent=1))
    else:
        _show(recording)
    if not recording.written:
        raise typer.Exit(CHECK_FAILED)


def _show(recording: "Recording") -> None:
    from rich.table import Table

    table = Table("case", "what it is good for", "outputs", "inner values", "s", box=None, pad_edge=False)
    for case in recording.cases:
        if case.folder is not None:
            inner = str(case.intermediates) + (f" (without {len(case.unavailable)})" if case.unavailable else "")
            table.add_row(plain(case.name), plain(case.purpose), str(case.outputs), inner, f"{case.seconds:.1f}")
    console = output_console()
    console.print(table)
    for case in recording.cases:
        if case.refusal:
            console.print(plain(f"{case.name}: not recorded: {case.refusal}"), soft_wrap=True)
    console.print(
        plain(f"{recording.written} of {len(recording.cases)} cases recorded; network of the engine: {recording.network}")
    )
    if not recording.pinned:
        console.print(
            plain("the engine is not the pinned one: nothing vouches for its files, and the cases say so"), soft_wrap=True
        )
