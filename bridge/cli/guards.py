"""``bridge guards``: learns from clean samples what input guards have to know."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import error_console, output_console, plain
from bridge.cli.exits import errors_as_exits
from bridge.cli.option_groups import with_option_groups
from bridge.cli.trust_options import TrustOptions

if TYPE_CHECKING:
    from bridge.runtime.guards.learning import FitOptions, FittedGuards

guards_app = typer.Typer(help="Input guards: what stands between a request and the model.", no_args_is_help=True)


GuardsFile = Annotated[
    Path | None, typer.Option("--guards", exists=True, dir_okay=False, help="Input guards, in YAML, that requests have to pass.")
]
"""For commands that load models."""


class KindName(StrEnum):
    """What can be learnt from samples."""

    range = "range"
    envelope = "envelope"
    distribution = "distribution"


@guards_app.callback()
def guards() -> None:
    """Input guards: what stands between a request and the model."""


@guards_app.command("fit")
@with_option_groups
def fit_command(
    package: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder of a package.", show_default=False)],
    data: Annotated[
        Path,
        typer.Option("--data", exists=True, dir_okay=False, show_default=False, help=".npz file: x clean samples [N, ...]."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", file_okay=False, show_default=False, help="Folder for the guards.")],
    input_name: Annotated[str, typer.Option("--input", help="Input to guard, where there are several.")] = "",
    kind: Annotated[list[KindName] | None, typer.Option(help="May be repeated.  [default: all three]")] = None,
    false_alarm_rate: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Share of clean samples that the distribution guard may refuse.")
    ] = 0.01,
    input_range: Annotated[
        tuple[float, float] | None,
        typer.Option("--range", help="Range of the input.  [default: that of interface.json, else a little more than seen]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed splits the samples alike.")] = 0,
    isolated: Annotated[bool, typer.Option("--isolated", help="Compute features in a sandboxed process of its own.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite guards that exist.")] = False,
    *,
    trust: TrustOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit input guards to clean samples; print how often they refuse samples that they have not seen."""
    with errors_as_exits(as_json=as_json, subject=str(package)):
        from bridge.runtime.guards.learning import KINDS, FitOptions
        from bridge.runtime.guards.writing import GUARDS, write_guards

        low, high = input_range or (None, None)
        options = FitOptions(
            trust.to_policy(),
            allow_unsigned=trust.allow_unsigned,
            isolation="process" if isolated else "none",
            input=input_name,
            kinds=KINDS if not kind else [name for name in KINDS if name in {each.value for each in kind}],
            false_alarm_rate=false_alarm_rate,
            low=low,
            high=high,
            seed=seed,
        )
        fitted = _fitted_with_progress(package, data, options)
        sha256 = write_guards(fitted, output, overwrite=force)
    if as_json:
        typer.echo(json.dumps(_document(fitted, output / GUARDS, sha256), indent=1))
    else:
        _show(fitted, output / GUARDS, sha256)


def _fitted_with_progress(package: Path, data: Path, options: "FitOptions") -> "FittedGuards":
    from bridge.runtime.guards.learning import fit_guards

    console = error_console()
    if not console.is_terminal:
        return fit_guards(package, data, options)
    from dataclasses import replace

    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("left"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("features", total=None)
        return fit_guards(
            package, data, replace(options, progress=lambda done, total: bar.update(task, completed=done, total=total))
        )


def _document(fitted: "FittedGuards", place: Path, sha256: str) -> dict[str, object]:
    return {
        "guards": str(place),
        "sha256": sha256,
        "data_sha256": fitted.data_sha256,
        "samples": {"fitted": fitted.fitted, "calibrated": fitted.calibrated, "measured": fitted.false_alarms[-1].asked},
        "false_alarms": [
            {"guard": each.guard, "refused": each.refused, "asked": each.asked, "upper_95": each.upper}
            for each in fitted.false_alarms
        ],
    }


def _show(fitted: "FittedGuards", place: Path, sha256: str) -> None:
    from rich.table import Table

    asked = fitted.false_alarms[-1].asked
    table = Table(title=f"Clean samples refused, of {asked}", title_justify="left")
    for heading in ("guard", "refused", "rate", "at most (95 %)"):
        table.add_column(heading, justify="left" if heading == "guard" else "right")
    for each in fitted.false_alarms:
        table.add_row(each.guard, str(each.refused), f"{each.refused / each.asked:.4f}", f"{each.upper:.4f}")
    console = output_console()
    console.print(table)
    console.print(plain(f"{place}, sha256 {sha256}"), soft_wrap=True)
    how = f"fitted on {fitted.fitted} samples, threshold set on {fitted.calibrated}; those {asked} are none of them"
    console.print(plain(how), soft_wrap=True)
