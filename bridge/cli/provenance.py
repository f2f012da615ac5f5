"""``bridge provenance``: where a model comes from, shown, checked and exported."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import output_console, plain
from bridge.cli.exits import CHECK_FAILED, errors_as_exits
from bridge.cli.option_groups import with_option_groups
from bridge.cli.trust_options import VerifierOptions

if TYPE_CHECKING:
    from bridge.trust.provenance.history import History
    from bridge.trust.signers import Verifier

provenance_app = typer.Typer(
    name="provenance", help="Where a model comes from: its claims, checked link by link.", no_args_is_help=True
)

Model = Annotated[Path, typer.Argument(exists=True, help="A package, or a model file with its claims.", show_default=False)]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write.  [default: standard output]")]


@provenance_app.command("show")
@with_option_groups
def show_command(
    path: Model,
    *,
    trust: VerifierOptions,
    html: Annotated[Path | None, typer.Option(help="Write a page that stands alone, too.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the chain of a model and check every link, offline. Exit 1 if a link fails, or a signer is not among those trusted."""
    with errors_as_exits(as_json=as_json, subject=str(path)):
        verifier = trust.verifier_if_named()
        history = _history(path, verifier)
        if html is not None:
            from bridge.trust.provenance.page import render_page

            _write(html, render_page(history))
    if as_json:
        from bridge.trust.provenance.chain_json import history_json

        typer.echo(json.dumps(history_json(history), indent=1))
    else:
        _print(history, asked=verifier is not None)
    # Without anybody to trust, signatures are not what was asked about.
    if not (history.chain.holds if verifier is None else history.chain.verified):
        raise typer.Exit(CHECK_FAILED)


@provenance_app.command("export")
@with_option_groups
def export_command(
    path: Model,
    output: Output = None,
    cyclonedx: Annotated[
        bool, typer.Option("--cyclonedx", help="As a CycloneDX 1.6 bill of materials, which is the default.")
    ] = True,
    *,
    trust: VerifierOptions,
) -> None:
    """Export what the claims say. A chain that does not hold is not exported; who signed is stated in the export."""
    del cyclonedx  # The only form there is, named so that others can come.
    with errors_as_exits(as_json=False, subject=str(path)):
        from bridge.trust.provenance.bill_of_materials import bill_of_materials
        from bridge.trust.provenance.model_card import card_from_history

        history = _history(path, trust.verifier_if_named())
        if not history.chain.holds:
            from bridge.errors import IntegrityError

            first = history.chain.failures[0]
            raise IntegrityError(str(path), expected="a whole chain of claims", computed=f"{first.what}: {first.detail}")
        text = json.dumps(bill_of_materials(card_from_history(history)), indent=1, ensure_ascii=False) + "\n"
        if output is not None:
            _write(output, text)
    if output is None:
        typer.echo(text, nl=False)


@provenance_app.command("manifest")
def manifest_command(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder of a data set.", show_default=False)],
    output: Output = None,
) -> None:
    """Write the manifest of a data set, for `bridge sign --dataset`: every file's digest, and one digest over all of them."""
    with errors_as_exits(as_json=False, subject=str(folder)):
        from bridge.trust.provenance.dataset_manifest import manifest_of

        text = manifest_of(folder).to_bytes().decode()
        if output is not None:
            _write(output, text)
    if output is None:
        typer.echo(text, nl=False)


def _history(path: Path, verifier: "Verifier | None") -> "History":
    from bridge.trust.provenance.history import read_history

    return read_history(path, verifier)


def _print(history: "History", *, asked: bool) -> None:
    from bridge.trust.provenance.terminal import provenance_tree

    console = output_console()
    console.print(provenance_tree(history))
    failures = history.chain.failures
    if failures:
        console.print(plain(f"{len(failures)} check(s) fail; what this chain says is not to be believed"), style="bold red")
    elif history.chain.verified:
        console.print(plain("every link holds, and every claim is signed by somebody who is trusted"), style="green")
    elif asked:
        console.print(plain("every link holds; not every claim is signed by somebody who is trusted"), style="yellow")
    else:
        console.print(plain("every link holds; give --public-key or --trusted-root to check who signed"), style="yellow")


def _write(place: Path, text: str) -> None:
    import os

    from bridge.targets.atomic import StagedFile, put_in_place
    from bridge.targets.write_failures import explained

    with explained(place), StagedFile(place) as file:
        with os.fdopen(os.dup(file.descriptor), "wb") as stream:
            stream.write(text.encode())
        put_in_place([file])
