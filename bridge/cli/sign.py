"""``bridge sign``: signs a file or a folder."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.exits import errors_as_exits
from bridge.cli.facts import echo_facts
from bridge.cli.provenance_options import (
    Anonymous,
    Configuration,
    Datasets,
    Description,
    Provenance,
    ProvenanceOptions,
    Repository,
    Script,
    TrainingPython,
)
from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.trust.provenance.training import TrainingFacts
    from bridge.trust.signature_files import NewFile
    from bridge.trust.signers import Signer


class Algorithm(StrEnum):
    """The digests that the signature format has."""

    sha256 = "sha256"
    blake2b = "blake2b"
    blake3 = "blake3"


def sign_command(
    path: Annotated[Path, typer.Argument(exists=True, help="A model file, or a folder.", show_default=False)],
    key: Annotated[Path | None, typer.Option(help="Private key in PEM: see `bridge keys new`.")] = None,
    pkcs11_uri: Annotated[
        str | None, typer.Option(help="Key on a token, as in pkcs11:token=T;object=K?module-path=/.../lib.so&pin-source=/...")
    ] = None,
    certificate_chain: Annotated[
        list[Path] | None,
        typer.Option(help="Certificates of the key in PEM, its own first; may be repeated."),
    ] = None,
    signature: Annotated[
        Path | None, typer.Option("--signature", "-o", help="Where to write.  [default: FOLDER/model.sig, or FILE.sig]")
    ] = None,
    algorithm: Annotated[Algorithm, typer.Option(help="Digest of the files.")] = Algorithm.sha256,
    shard_size: Annotated[
        int | None, typer.Option(min=1, help="Hash files in pieces of this many bytes, several at once.  [default: whole files]")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Path beneath the folder to leave out; may be repeated.")] = None,
    allow_hard_links: Annotated[
        bool, typer.Option("--allow-hard-links", help="Accept files that have other names elsewhere.")
    ] = False,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the key's password.  [default: BRIDGE_KEY_PASSWORD, else a prompt]")
    ] = None,
    provenance: Provenance = False,
    description: Description = None,
    repository: Repository = None,
    script: Script = None,
    configuration: Configuration = None,
    datasets: Datasets = None,
    training_python: TrainingPython = None,
    anonymous: Anonymous = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a signature, and claims, that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Sign a model file or a folder, in the OpenSSF Model Signing format."""
    with errors_as_exits(as_json=as_json, subject=str(path)):
        from bridge.cli.hashing_progress import HashingProgress
        from bridge.trust.signature_files import sign

        stated = ProvenanceOptions(
            provenance, description, repository, script, configuration, datasets or (), training_python, anonymous
        ).collected()
        signer = load_signer(key, pkcs11_uri, certificate_chain or (), password_file)
        with HashingProgress("hashing") as progress:
            signed = sign(
                path,
                signer,
                signature=signature,
                algorithm=algorithm.value,
                shard_size=shard_size,
                ignore=ignore or (),
                allow_hard_links=allow_hard_links,
                overwrite=force,
                claims=_claims(path, stated, signer, force=force, allow_hard_links=allow_hard_links),
                advance=progress.advance,
            )
    if as_json:
        typer.echo(json.dumps(signed.to_json(), indent=1))
        return
    echo_facts(
        ("signature", str(signed.signature_path)),
        ("root digest", f"sha256:{signed.root_digest}"),
        ("signed by", signed.identity),
        ("covers", f"{signed.files} {'file(s)' if shard_size is None else 'piece(s) of files'}, {signed.algorithm}"),
        *((("claims", str(signed.claims_path)),) if signed.claims_path is not None else ()),
    )


def _claims(
    path: Path, stated: "TrainingFacts | None", signer: "Signer", *, force: bool, allow_hard_links: bool
) -> "Callable[[str], NewFile] | None":
    if stated is None:
        return None
    from bridge.trust.provenance.stating import training_claims

    return lambda root: training_claims(path, root, stated, signer, overwrite=force, allow_hard_links=allow_hard_links)


def load_signer(
    key: Path | None, pkcs11_uri: str | None, certificate_chain: "list[Path] | tuple[()]", password_file: Path | None
) -> "Signer":
    """The signer that the options name. Raises ``InvalidOptionError`` unless they name exactly one key."""
    if (key is None) == (pkcs11_uri is None):
        raise InvalidOptionError("give either --key or --pkcs11-uri")
    signer: Signer
    if key is not None:
        from bridge.cli.passwords import ask_for_password, password_given
        from bridge.trust.keys import load_private_key

        signer = load_private_key(key, password_given(password_file), ask=ask_for_password)
    else:
        from bridge.trust.pkcs11 import load_pkcs11_signer

        assert pkcs11_uri is not None
        signer = load_pkcs11_signer(pkcs11_uri)
    if not certificate_chain:
        return signer
    from bridge.trust.certificates import CertificateSigner, load_certificates

    return CertificateSigner(signer, [certificate for path in certificate_chain for certificate in load_certificates(path)])
