"""``bridge attack``: how far a model can be misled on purpose, and whether conversion changed that."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import error_console, output_console, printable
from bridge.cli.exits import CHECK_FAILED, errors_as_exits
from bridge.cli.option_groups import with_option_groups
from bridge.cli.package_options import SigningOptions
from bridge.cli.trust_options import TrustOptions
from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.attacking import AttackOptions
    from bridge.attacking.attacking import Attacked
    from bridge.trust.signers import Signer
    from verify.robustness.document import RobustnessReport


_FIGURE = "[NORM=]NUMBER"


class NormName(StrEnum):
    """How the size of a perturbation is measured."""

    linf = "linf"
    l2 = "l2"
    tokens = "tokens"


class TierName(StrEnum):
    """How much is done."""

    smoke = "smoke"
    standard = "standard"
    gold = "gold"


@with_option_groups
def attack_command(
    model: Annotated[
        Path,
        typer.Argument(
            exists=True,
            show_default=False,
            help="A package, an .onnx file, the folder of a PyTorch module, or a CNTK model, converted first.",
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            exists=True,
            dir_okay=False,
            show_default=False,
            help=".npz: x samples, y their classes; or CNTK's text format.",
        ),
    ],
    twin: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder of the same model as a PyTorch module.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option(exists=True, help="The CNTK model that it came from, to make the twin of.")
    ] = None,
    eps: Annotated[
        list[str] | None,
        typer.Option(metavar=_FIGURE, help="In the input's units.  [default: 8/255 of the range; l2: 0.5 of it; 1 token]"),
    ] = None,
    norm: Annotated[
        list[NormName] | None,
        typer.Option(help="May be repeated: each is tested by itself.  [default: tokens for one-hot sequences, else linf]"),
    ] = None,
    tier: Annotated[TierName, typer.Option(help="standard adds Auto-PGD to smoke, gold AutoAttack.")] = TierName.smoke,
    input_range: Annotated[
        tuple[float, float] | None,
        typer.Option("--range", help="Range of the input.  [default: that of interface.json]"),
    ] = None,
    floor: Annotated[
        list[str] | None,
        typer.Option(metavar=_FIGURE, help="Share that has to withstand everything, for a model said to be hardened."),
    ] = None,
    ceiling: Annotated[
        list[str] | None,
        typer.Option(metavar=_FIGURE, help="Share that may, for one that is known not to be: a canary for the attacks."),
    ] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Attack the first so many samples.  [default: all]")] = None,
    input_name: Annotated[str, typer.Option("--input", help="Input to perturb, where there are several.")] = "",
    output_name: Annotated[str, typer.Option("--output", help="Output with the scores, where there are several.")] = "",
    labels: Annotated[str, typer.Option(help="Field of the labels in a text file.  [default: labels, label or y]")] = "",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 0,
    report_folder: Annotated[
        Path | None,
        typer.Option("--report", file_okay=False, help="Write JSON, JUnit, SARIF, Markdown and HTML into this folder."),
    ] = None,
    *,
    trust: TrustOptions,
    signing: SigningOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Attack a converted model; exit 1 unless the verdict is PASS. With --sign-key a package's claims state the result."""
    with errors_as_exits(as_json=as_json, subject=str(model)):
        from bridge.attacking import AttackOptions

        signer = signing.signer_if_named()
        options = AttackOptions(
            twin=twin,
            source=source,
            norms=tuple(each.value for each in norm or ()),
            epsilon=_figure("eps", eps),
            low=None if input_range is None else input_range[0],
            high=None if input_range is None else input_range[1],
            tier=tier.value,
            input=input_name,
            output=output_name,
            labels=labels,
            floor=_figure("floor", floor),
            ceiling=_figure("ceiling", ceiling),
            limit=samples,
            seed=seed,
            policy=trust.to_policy(),
            allow_unsigned=trust.allow_unsigned,
            command=" ".join(["bridge", *sys.argv[1:]]),
        )
        found = _attack_with_progress(model, data, options)
        _keep(found, model, report_folder, signer)
    _tell(found.report, as_json=as_json)
    if not found.report.holds:
        raise typer.Exit(CHECK_FAILED)


def _figure(option: str, given: list[str] | None) -> float | dict[str, float] | None:
    """One number for all norms, or numbers by the names of norms."""
    if not given:
        return None
    found: dict[str, float] = {}
    for text in given:
        name, _, number = text.rpartition("=")
        try:
            figure = float(number)
        except ValueError:
            raise InvalidOptionError(f"--{option} {text!r}: expected a number, or norm=number") from None
        if name in found or (not name and len(given) > 1):
            raise InvalidOptionError(f"--{option} {text!r}: give one number, or one for each norm, as in --{option} l2=0.5")
        found[name] = figure
    return found.get("", found)


def _attack_with_progress(model: Path, data: Path, options: "AttackOptions") -> "Attacked":
    """The attack, with a bar and the time left on standard error where that is a terminal."""
    from bridge.attacking.attacking import attacked

    console = error_console()
    if not console.is_terminal:
        return attacked(model, data, options)
    from dataclasses import replace

    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("left"), console=console, transient=True
    ) as bar:
        task = bar.add_task("loading", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=printable(what))

        return attacked(model, data, replace(options, progress=show))


def _keep(found: "Attacked", model: Path, report_folder: Path | None, signer: "Signer | None") -> None:
    """The report in its forms, and the signed claim among those of the package."""
    if report_folder is not None:
        from verify.robustness.report.writing import write_reports

        write_reports(found.report, report_folder)
    if signer is not None:
        from bridge.attacking.statement import state_robustness

        state_robustness(model, found.root_sha256, found.report, signer)


def _tell(report: "RobustnessReport", *, as_json: bool) -> None:
    if as_json:
        from verify.robustness.report.json_report import render_json

        typer.echo(render_json(report), nl=False)
        return
    from verify.robustness.report.terminal import tables, verdict_text

    console = output_console()
    for table in tables(report):
        console.print(table)
    console.print(verdict_text(report), soft_wrap=True)
