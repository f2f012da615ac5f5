"""``bridge harden``: a converted package and labelled samples to a package that is harder to mislead."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import error_console, plain, printable
from bridge.cli.exits import errors_as_exits
from bridge.cli.facts import echo_facts
from bridge.cli.option_groups import with_option_groups
from bridge.cli.package_options import SigningOptions
from bridge.cli.training_options import TrainingOptions
from bridge.cli.trust_options import TrustOptions
from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.harden.hardening import Hardened
    from bridge.harden.options import HardenOptions


class MethodName(StrEnum):
    """The methods, named here so that the command line starts without torch."""

    pgd_at = "pgd-at"
    trades = "trades"
    fast = "fast"
    ensemble = "ensemble"
    smoothing = "smoothing"
    distillation = "distillation"


@with_option_groups
def harden_command(
    package: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="Package of a converted model, ONNX or PyTorch.", show_default=False),
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            exists=True,
            dir_okay=False,
            help=".npz with x [N, ...], the classes y [N], and further inputs by their names.",
            show_default=False,
        ),
    ],
    output_path: Annotated[Path, typer.Option("--output-path", "-o", help="The new package.", show_default=False)],
    method: Annotated[MethodName, typer.Option(help="distillation does not hold, and is offered for comparison alone.")] = (
        MethodName.pgd_at
    ),
    source: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The CNTK file of the package: keeps batch normalisation and dropout layers."
        ),
    ] = None,
    input_name: Annotated[str | None, typer.Option("--input", help="Input to perturb.  [default: the only one]")] = None,
    output_name: Annotated[str | None, typer.Option("--output", help="Output with the classes.  [default: the only one]")] = None,
    *,
    training: TrainingOptions,
    certify_sigma: Annotated[
        list[float] | None,
        typer.Option(help="Noise of the certificates of --method smoothing; may be repeated.  [default: --sigma]"),
    ] = None,
    certified: Annotated[int, typer.Option(min=1, help="Samples that get certificates.")] = 50,
    votes: Annotated[int, typer.Option(min=1, help="Noisy copies for a certificate.")] = 1000,
    alpha: Annotated[float, typer.Option(help="Chance that a certificate is wrong.")] = 0.001,
    smoke: Annotated[bool, typer.Option("--smoke/--no-smoke", help="Run the adversarial smoke test on the result.")] = True,
    trust: TrustOptions,
    signing: SigningOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train a converted model to withstand small changes of its input, and write a new package that names its parent.

    The parent has to be signed by somebody whom --policy, --public-key or --trusted-root names, unless --allow-unsigned is given.
    """
    with errors_as_exits(as_json=as_json, subject=str(package)):
        _require_torch()
        from bridge.harden.options import HardenOptions, Method

        options = HardenOptions(
            signing.signer(),
            Method(method.value),
            training.training(),
            source=source,
            policy=trust.to_policy(),
            allow_unsigned=trust.allow_unsigned,
            input_name=input_name,
            output_name=output_name,
            find_range=training.value_range is None,
            smoke=smoke,
            certified=certified,
            votes=votes,
            alpha=alpha,
            sigmas=tuple(certify_sigma or ()),
        )
        hardened = _harden_with_progress(package, data, output_path, options)
    _tell(hardened, as_json=as_json)


def _require_torch() -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise InvalidOptionError("hardening takes torch: pip install 'cntk-bridge[torch]'")


def _harden_with_progress(package: Path, data: Path, output_path: Path, options: "HardenOptions") -> "Hardened":
    """With a bar and the time left on standard error where that is a terminal."""
    from bridge.harden.hardening import harden

    console = error_console()
    if not console.is_terminal:
        return harden(package, data, output_path, options)
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TimeRemainingColumn(), TextColumn("left"), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("verifying", total=None)

        def show(done: int, total: int, text: str) -> None:
            # Certificates and the smoke test begin to count anew, at a pace of their own.
            if done < bar.tasks[task].completed:
                bar.reset(task)
            bar.update(task, completed=done, total=total, description=printable(text))

        return harden(package, data, output_path, options, progress=show)


def _tell(hardened: "Hardened", *, as_json: bool) -> None:
    report, robustness = hardened.report, hardened.robustness
    if as_json:
        document = {
            "package": str(hardened.path),
            "root_sha256": hardened.root_sha256,
            "hardening": report.to_json(),
            "twin_equivalence": hardened.equivalence.verdict.value,
            "robustness": None if robustness is None else robustness.verdict.value,
        }
        typer.echo(json.dumps(document, indent=1))
    else:
        echo_facts(
            ("package", str(hardened.path)),
            ("root digest", f"sha256:{hardened.root_sha256}"),
            ("accuracy", f"{report.before.clean:.3f} -> {report.after.clean:.3f} on {report.after.samples} samples"),
            ("robust accuracy", f"{report.before.robust:.3f} -> {report.after.robust:.3f} at {report.training.epsilon:g}"),
            ("twin", hardened.equivalence.verdict.value),
            ("smoke test", "left out" if robustness is None else robustness.verdict.value),
        )
    if report.warning:
        error_console().print(plain(f"bridge: warning: {report.warning}"), style="yellow")
