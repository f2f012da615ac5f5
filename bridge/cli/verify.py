"""``bridge verify``: verifies a file or a folder against its signature."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.exits import errors_as_exits
from bridge.cli.facts import echo_facts
from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.trust.signers import Verifier


def verify_command(
    path: Annotated[Path, typer.Argument(exists=True, help="A model file, or a folder.", show_default=False)],
    public_key: Annotated[
        list[Path] | None, typer.Option(help="Public key in PEM that is trusted; may be repeated.", show_default=False)
    ] = None,
    trusted_root: Annotated[
        list[Path] | None,
        typer.Option(help="Certificates in PEM under which signers are trusted; may be repeated.", show_default=False),
    ] = None,
    crl: Annotated[
        list[Path] | None, typer.Option(help="Certificate revocation list, PEM or DER; may be repeated.", show_default=False)
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Trusted time for certificates, as in 2026-01-31T12:00:00Z.  [default: now]")
    ] = None,
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

        verifier = load_verifier(public_key or (), trusted_root or (), crl or (), at)
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


def load_verifier(
    public_keys: "Sequence[Path]", trusted_roots: "Sequence[Path]", crls: "Sequence[Path]", at: str | None
) -> "Verifier":
    """The verifier that the options name. Raises ``InvalidOptionError`` if they name nobody, or if some would have no effect."""
    from bridge.trust.signers import any_of

    if not public_keys and not trusted_roots:
        raise InvalidOptionError("nobody is trusted: give --public-key or --trusted-root")
    if (crls or at is not None) and not trusted_roots:
        raise InvalidOptionError("--crl and --at concern certificates: give --trusted-root too")
    verifiers: list[Verifier] = []
    if public_keys:
        from bridge.trust.keys import load_public_key

        verifiers += [load_public_key(key) for key in public_keys]
    if trusted_roots:
        from bridge.trust.certificates import load_trusted_roots

        verifiers.append(load_trusted_roots(trusted_roots, revocation_lists=crls, at=_time(at)))
    return any_of(verifiers) if len(verifiers) > 1 else verifiers[0]


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidOptionError(f"--at is no time: {text!a}; expected the like of 2026-01-31T12:00:00Z") from error
    if time.tzinfo is None:
        raise InvalidOptionError(f"--at has no time zone: {text!a}; end it with Z for UTC")
    return time
