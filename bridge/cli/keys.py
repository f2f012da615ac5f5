"""``bridge keys``: makes keys to sign with, and shows what a key file holds."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.exits import errors_as_exits
from bridge.cli.facts import echo_facts
from bridge.errors import InvalidOptionError

keys_app = typer.Typer(name="keys", help="Keys to sign models with.", no_args_is_help=True)


class Curve(StrEnum):
    """The curves that the signature format has."""

    p256 = "p256"
    p384 = "p384"
    p521 = "p521"


@keys_app.command("new")
def new_command(
    output: Annotated[
        Path, typer.Option("--output-path", "-o", help="The private key; the public one goes to KEY.pub.", show_default=False)
    ],
    curve: Annotated[Curve, typer.Option(help="The elliptic curve.")] = Curve.p256,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password.  [default: BRIDGE_KEY_PASSWORD, else a prompt]")
    ] = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Leave the private key unencrypted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a private key, encrypted and readable by you alone, with its public key beside it. Nothing is overwritten."""
    with errors_as_exits(as_json=as_json):
        from bridge.trust.key_files import new_key_pair

        pair = new_key_pair(output, curve=curve.value, password=None if no_password else _new_password(password_file))
    if as_json:
        typer.echo(json.dumps(pair.to_json(), indent=1))
        return
    echo_facts(
        ("private key", f"{pair.private_path}{'' if pair.encrypted else ' (not encrypted)'}"),
        ("public key", str(pair.public_path)),
        ("curve", pair.curve),
        ("fingerprint", f"sha256:{pair.fingerprint}"),
    )


@keys_app.command("show")
def show_command(
    key: Annotated[Path, typer.Argument(help="A public or private key, or certificates, in PEM.", show_default=False)],
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password.  [default: BRIDGE_KEY_PASSWORD, else a prompt]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the fingerprint of a key, by which signatures and policies call it, or whom certificates are for."""
    with errors_as_exits(as_json=as_json, subject=str(key)):
        from bridge.cli.passwords import ask_for_password, password_given
        from bridge.trust.key_files import describe

        identities = describe(key, password_given(password_file), ask=ask_for_password)
    if as_json:
        typer.echo(json.dumps([identity.to_json() for identity in identities], indent=1))
        return
    for identity in identities:
        echo_facts(
            (identity.kind, identity.name),
            ("fingerprint", f"sha256:{identity.fingerprint}"),
            *((("valid until", identity.not_after.isoformat()),) if identity.not_after else ()),
            *(("also called", name) for name in identity.alternative_names),
        )


def _new_password(password_file: Path | None) -> bytes:
    from bridge.cli.passwords import ask_for_new_password, password_given

    password = password_given(password_file) or ask_for_new_password()
    if not password:
        raise InvalidOptionError(
            "no password for the new key: give --password-file, set BRIDGE_KEY_PASSWORD, or leave it unencrypted by --no-password"
        )
    return password
