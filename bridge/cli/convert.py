"""``bridge convert``: CNTK models to ONNX or PyTorch, one or many."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import error_console, output_console, plain
from bridge.cli.exits import CHECK_FAILED, DONE, errors_as_exits, exit_code, located
from bridge.cli.option_groups import with_option_groups
from bridge.cli.package_options import Bounds, Package, SigningOptions, package_options
from bridge.cli.trust_options import Signature, TrustOptions
from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.batch import Job, Outcome, Settings


class Target(StrEnum):
    """What models are converted to."""

    onnx = "onnx"
    torch = "torch"


@with_option_groups
def convert_command(
    models: Annotated[
        list[Path],
        typer.Argument(exists=True, help="CNTK model files, or folders of *.dnn, *.model and *.cmf files.", show_default=False),
    ],
    output_path: Annotated[
        Path | None,
        typer.Option("--output-path", "-o", help="Result for one model, folder for several.  [default: <model>.onnx here]"),
    ] = None,
    target: Annotated[Target, typer.Option("--to", help="ONNX files, or folders of PyTorch source and weights.")] = Target.onnx,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output", help="Name or uid of a node to compute; may be repeated.  [default: the model's predictions]"),
    ] = None,
    losses: Annotated[
        list[str] | None,
        typer.Option("--loss", help="Name or uid of a loss head to write as a function of the PyTorch source; may be repeated."),
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Check the results on this golden case, or on those in this folder."),
    ] = None,
    index_inputs: Annotated[
        bool, typer.Option("--index-inputs", help="Take all sparse inputs, which must be one-hot, as int64 indices.")
    ] = False,
    index_input: Annotated[
        list[str] | None,
        typer.Option("--index-input", help="Take this one-hot input as int64 indices; may be repeated."),
    ] = None,
    plain_math: Annotated[
        bool, typer.Option("--plain-math", help="Use plain operators, without CNTK's rules for log(0), x/0 and the like.")
    ] = False,
    fold: Annotated[
        bool, typer.Option("--fold/--no-fold", help="Fold batch normalisation and biases into the convolution before them.")
    ] = True,
    *,
    trust: TrustOptions,
    signature: Signature = None,
    package: Package = False,
    signing: SigningOptions,
    bounds: Bounds = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite results that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Convert CNTK models to ONNX or PyTorch. Sources are read as data: nothing in them is run.

    Each has to be signed by somebody whom --policy, --public-key or --trusted-root names, unless --allow-unsigned is given.
    """
    with errors_as_exits(as_json=as_json):
        from bridge.batch import Settings, plan

        jobs = plan(models, output_path, overwrite=force, target=target.value, packages=package)
        trusted = trust.to_policy()
        if signature is not None and len(jobs) > 1:
            raise InvalidOptionError(f"--signature is for one model, and there are {len(jobs)}")
        packaged = package_options(package=package, signing=signing, bounds=bounds)
    indexed = index_inputs or tuple(index_input or ())
    settings = Settings(
        outputs or None,
        indexed,
        plain_math,
        golden,
        fold,
        target.value,
        losses or (),
        packaged,
        policy=trusted,
        signature=signature,
        allow_unsigned=trust.allow_unsigned,
    )
    outcomes = _convert_with_progress(jobs, settings)
    code = max((_code(outcome) for outcome in outcomes), default=DONE)
    if as_json:
        from bridge.cli.outcomes import outcomes_json

        typer.echo(json.dumps({"exit_code": code, "models": outcomes_json(outcomes)}, indent=1))
    else:
        _show(outcomes)
    _warn_of_unsigned(outcomes)
    if code != DONE:
        raise typer.Exit(code)


def _warn_of_unsigned(outcomes: "Sequence[Outcome]") -> None:
    """Say aloud what --allow-unsigned has let through, for machines too: on standard error."""
    decisions = [outcome.result.source_decision for outcome in outcomes if outcome.result is not None]
    count = sum(decision is not None and decision.unsigned for decision in decisions)
    if count:
        error_console().print(
            f"bridge: warning: --allow-unsigned: {count} model(s) converted without proof of where they come from", style="yellow"
        )


def _convert_with_progress(jobs: "Sequence[Job]", settings: "Settings") -> "list[Outcome]":
    """Convert everything, with a bar on standard error where that is a terminal."""
    from bridge.batch import convert_all

    console = error_console()
    if not console.is_terminal:
        return list(convert_all(jobs, settings))
    from rich.progress import track

    return list(track(convert_all(jobs, settings), description="converting", total=len(jobs), console=console, transient=True))


def _code(outcome: "Outcome") -> int:
    if outcome.error is not None:
        return exit_code(outcome.error)
    return CHECK_FAILED if outcome.report is not None and not outcome.report.holds else DONE


def _show(outcomes: "Sequence[Outcome]") -> None:
    from bridge.cli.outcomes import outcomes_table, remarks
    from verify.equivalence.assembling import assemble
    from verify.report.terminal import equivalence_table, findings

    console = output_console()
    console.print(outcomes_table(outcomes))
    for sentence in remarks(outcomes):
        console.print(plain(sentence), soft_wrap=True)
    cases = tuple(case for outcome in outcomes if outcome.report is not None for case in outcome.report.cases)
    if cases:
        report = assemble(cases)
        console.print(equivalence_table(report))
        for sentence in findings(report):
            console.print(plain(sentence), soft_wrap=True)
    for outcome in outcomes:
        if outcome.error is not None:
            error_console().print(plain(f"bridge: {located(outcome.error, str(outcome.job.source))}"))
