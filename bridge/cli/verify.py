"""``bridge verify``: verifies a file or a folder against its signature."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.exits import errors_as_exits
from bridge.cli.facts import echo_facts
from bridge.cli.option_groups import with_option_groups
from bridge.cli.trust_options import VerifierOptions


@with_option_groups
def verify_command(
    path: Annotated[Path, typer.Argument(exists=True, help="A model file, or a folder.", show_default=False)],
    *,
    trust: VerifierOptions,
    signature: Annotated[Path | None, typer.Option(help="The signature.  [default: FOLDER/model.sig, or FILE.sig]")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Path beneath the folder that need not be signed; may be repeated.")
    ] = None,
    allow_hard_links: Annotated[
        bool, typer.Option("--allow-hard-links", help="Accept files that have other names elsewhere.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify that a model is as it was signed, by a key or under a root that you name; exit 3 where it is not."""
    with errors_as_exits(as_json=as_json, subject=str(path)):
        from bridge.cli.hashing_progress import HashingProgress
        from bridge.trust.resource_names import OWN_NAMES
        from bridge.trust.signature_files import verify

        verifier = trust.verifier()
        with HashingProgress("verifying") as progress:
            model = verify(
                path,
                verifier,
                signature=signature,
                ignore=ignore or (),
                allow_hard_links=allow_hard_links,
                advance=progress.advance,
            )
    if as_json:
        typer.echo(json.dumps({"verified": True, **model.to_json()}, indent=1))
        return
    # The signature and the claims are always left out; what else is there should not be taken for verified.
    others = [name for name in model.left_out if name not in OWN_NAMES and path.is_dir() and os.path.lexists(path / name)]
    echo_facts(
        ("verified", str(path)),
        ("root digest", f"sha256:{model.root_digest}"),
        ("signed by", model.identity.name),
        *((("certificate", f"sha256:{model.identity.fingerprint}"),) if model.identity.kind == "certificate" else ()),
        ("covers", f"{len(model.files)} file(s), or pieces of files"),
        *((("not covered", f"{', '.join(others)}: nothing there is verified"),) if others else ()),
    )
