"""``bridge check``: compares a converted model with what CNTK computed."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import error_console, output_console, plain, printable
from bridge.cli.exits import CHECK_FAILED, errors_as_exits

if TYPE_CHECKING:
    from bridge.checking import CheckOptions
    from verify.report.document import Report, Waiver


def _list_backends(wanted: bool) -> None:
    """Every backend, and why one is not available here."""
    if not wanted:
        return
    from rich.table import Table

    from verify.equivalence.backends.registry import backend_kinds

    table = Table(title="Backends", title_justify="left")
    for heading in ("name", "runs", "what it is", "available"):
        table.add_column(heading, overflow="fold")
    for kind in backend_kinds():
        table.add_row(
            kind.name, kind.form.value, kind.summary, plain(f"no: {reason}" if (reason := kind.unavailable()) else "yes")
        )
    output_console().print(table)
    raise typer.Exit


def check_command(
    golden: Annotated[
        Path,
        typer.Option("--golden", exists=True, file_okay=False, help="A golden case, or a folder of them.", show_default=False),
    ],
    model: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            show_default=False,
            help="A converted .onnx file, the folder of a PyTorch module, or a CNTK model, converted first. "
            "Without it, each case's own model is checked.",
        ),
    ] = None,
    backends: Annotated[
        list[str] | None,
        typer.Option("--backend", help="Where to run it: a name from --backends, or 'all'; may be repeated.  [default: one]"),
    ] = None,
    list_backends: Annotated[
        bool, typer.Option("--backends", callback=_list_backends, is_eager=True, help="List the backends and exit.")
    ] = False,
    report_folder: Annotated[
        Path | None,
        typer.Option("--report", file_okay=False, help="Write JSON, JUnit, SARIF, Markdown and HTML into this folder."),
    ] = None,
    tolerances: Annotated[
        list[str] | None,
        typer.Option("--tolerance", help="OUTPUT=RTOL,ATOL: narrower than the type's; OUTPUT may hold *; may be repeated."),
    ] = None,
    waivers: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file of wider tolerances, each with reason and date.")
    ] = None,
    referee: Annotated[bool, typer.Option("--referee", help="Run the graph in float64 too: which side is nearer?")] = False,
    determinism: Annotated[
        bool, typer.Option("--determinism", help="Run again, with other threads, optimisations and batch sizes.")
    ] = False,
    bisect: Annotated[bool, typer.Option("--bisect", help="Where a case differs, find the first operator that does.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first case that does not hold.")] = False,
    allow_unsigned: Annotated[
        bool, typer.Option("--allow-unsigned", help="Run the code in a PyTorch module's folder, whose origin is trusted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Compare every output of a model with what CNTK computed; exit 1 where one differs."""
    del list_backends
    with errors_as_exits(as_json=as_json):
        from verify.equivalence.rules import Rules, parse_override

        rules = Rules(dict(map(parse_override, tolerances or ())), _read_waivers(waivers))
        if report_folder is not None:
            from verify.report.writing import refuse_unwritable

            refuse_unwritable(report_folder)
    with errors_as_exits(as_json=as_json, subject=str(model or golden)):
        from bridge.checking import CheckOptions

        options = CheckOptions(
            backends=tuple(backends or ()),
            rules=rules,
            referee=referee,
            determinism=determinism,
            bisect=bisect,
            fail_fast=fail_fast,
            allow_unsigned=allow_unsigned,
            command=shlex.join(["bridge", *sys.argv[1:]]),
            report_folder=report_folder,
        )
        report = _check_with_progress(model, golden, options)
        if report_folder is not None:
            from verify.report.case_files import case_files
            from verify.report.writing import write_reports

            write_reports(report, report_folder, case_files=case_files(golden))
    if as_json:
        from verify.report.json_report import render_json

        typer.echo(render_json(report), nl=False)
    else:
        _show(report)
    if not report.holds:
        raise typer.Exit(CHECK_FAILED)


def _read_waivers(path: Path | None) -> "tuple[Waiver, ...]":
    if path is None:
        return ()
    from verify.equivalence.waivers import read_waivers

    return read_waivers(path)


def _check_with_progress(model: Path | None, golden: Path, options: "CheckOptions") -> "Report":
    """The check, with a bar on standard error where that is a terminal."""
    from bridge.checking import check, check_recorded

    def run(chosen: "CheckOptions") -> "Report":
        return check_recorded(golden, chosen) if model is None else check(model, golden, chosen)

    console = error_console()
    if not console.is_terminal:
        return run(options)
    from dataclasses import replace

    from rich.progress import Progress

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("checking", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=printable(what) or "checking")

        return run(replace(options, progress=show))


def _show(report: "Report") -> None:
    from verify.report.terminal import determinism_table, equivalence_table, findings

    console = output_console()
    console.print(equivalence_table(report))
    if report.determinism:
        console.print(determinism_table(report))
    for sentence in findings(report):
        console.print(plain(sentence), soft_wrap=True)
