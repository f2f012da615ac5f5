"""The command line as a whole: options of ``bridge`` itself, and its commands."""

from typing import Annotated

import typer

from bridge.cli.attack import attack_command
from bridge.cli.check import check_command
from bridge.cli.convert import convert_command
from bridge.cli.doctor import doctor_command
from bridge.cli.fleet import fleet_command
from bridge.cli.golden import golden_app
from bridge.cli.guards import guards_app
from bridge.cli.harden import harden_command
from bridge.cli.inspect import inspect_command
from bridge.cli.keys import keys_app
from bridge.cli.log import log_app
from bridge.cli.policy import policy_app
from bridge.cli.provenance import provenance_app
from bridge.cli.reference import reference_app
from bridge.cli.run import run_command
from bridge.cli.serve import serve_command
from bridge.cli.sign import sign_command
from bridge.cli.verify import verify_command
from bridge.version import __version__

app = typer.Typer(
    name="bridge",
    help="Gets trained models out of CNTK: to ONNX, without CNTK, and with proof that they compute the same.",
    epilog="Exit codes: 0 done, 1 a check failed, 2 bad usage, 3 refused.",
    no_args_is_help=True,
    add_completion=False,
    # Bad input never reaches a traceback; a bug should show a plain one, without the values of local variables.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cntk-bridge {__version__}")
        raise typer.Exit


@app.callback()
def bridge(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Get trained models out of CNTK: to ONNX, without CNTK, and with proof that they compute the same."""


app.command("inspect")(inspect_command)
app.command("convert")(convert_command)
app.command("check")(check_command)
app.command("attack")(attack_command)
app.command("harden")(harden_command)
app.add_typer(reference_app)
app.add_typer(golden_app)
app.add_typer(keys_app)
app.command("run")(run_command)
app.command("sign")(sign_command)
app.command("verify")(verify_command)
app.command("serve")(serve_command)
app.command("fleet")(fleet_command)
app.add_typer(log_app)
app.command("doctor")(doctor_command)
app.add_typer(provenance_app)
app.add_typer(policy_app, name="policy")
app.add_typer(guards_app, name="guards")
