"""``bridge log``: the transparency log of statements."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.exits import errors_as_exits
from bridge.cli.facts import echo_facts
from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.trust.log.verified_log import VerifiedLog

log_app = typer.Typer(name="log", help="The append-only log of statements: make it, append, prove, verify.", no_args_is_help=True)

PasswordFile = Annotated[Path | None, typer.Option(help="File with the password.  [default: BRIDGE_KEY_PASSWORD, else a prompt]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Line = Annotated[int | None, typer.Option(min=1, help="Which statement, where the file holds several.", show_default=False)]


@log_app.command("init")
def init_command(
    log: Annotated[Path, typer.Argument(help="The new log: a folder, or a file that ends in .sqlite.", show_default=False)],
    origin: Annotated[str, typer.Option(help="The log's name for ever, as in example.org/models.", show_default=False)],
    private_key: Annotated[
        Path, typer.Option(help="The new key that signs it; the public one goes to KEY.pub.", show_default=False)
    ],
    password_file: PasswordFile = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Leave the private key unencrypted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an empty log and the Ed25519 key that signs its checkpoints. Nothing is overwritten."""
    with errors_as_exits(as_json=as_json, subject=str(log)):
        from bridge.cli.passwords import ask_for_new_password, password_given
        from bridge.trust.log.operations import initialise_log

        password = None if no_password else password_given(password_file) or ask_for_new_password()
        if not password and not no_password:
            raise InvalidOptionError(
                "no password for the new key: give --password-file, or leave it unencrypted by --no-password"
            )
        key = initialise_log(log, origin, private_key, password)
    if as_json:
        typer.echo(json.dumps({"log": str(log), "origin": origin, "public_key": key.to_text()}, indent=1))
        return
    echo_facts(("log", str(log)), ("origin", origin), ("private key", str(private_key)), ("public key", key.to_text()))


@log_app.command("append")
def append_command(
    log: Annotated[Path, typer.Argument(exists=True, help="The log.", show_default=False)],
    sources: Annotated[
        list[Path],
        typer.Argument(exists=True, help="Bundles, .jsonl files of bundles, or signed packages.", show_default=False),
    ],
    private_key: Annotated[Path, typer.Option(help="The log's private key.", show_default=False)],
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Append the hash of every statement that the log does not have yet, and sign its new state."""
    with errors_as_exits(as_json=as_json, subject=str(log)):
        from bridge.cli.passwords import ask_for_password, password_given
        from bridge.trust.log.operations import append_statements
        from bridge.trust.log.verified_log import checkpoint_json

        places, added, checkpoint = append_statements(
            log, sources, private_key, password_given(password_file), ask=ask_for_password
        )
    if as_json:
        entries = [{"source": p.statement.source, "sha256": p.statement.entry.hex(), "index": p.index} for p in places]
        typer.echo(json.dumps({"added": added, "entries": entries, "checkpoint": checkpoint_json(checkpoint)}, indent=1))
        return
    echo_facts(
        *((str(place.index), f"{place.statement.entry.hex()}  {place.statement.source}") for place in places),
        ("added", f"{added} of {len(places)}"),
        ("entries", str(checkpoint.size)),
        ("root", checkpoint.root.hex()),
    )


@log_app.command("prove")
def prove_command(
    log: Annotated[Path, typer.Argument(exists=True, help="The log.", show_default=False)],
    bundle: Annotated[
        Path, typer.Argument(exists=True, help="The statement's bundle, or a package for all of its own.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output-path", "-o", help="Where to write it.  [default: standard output, or into the package]"),
    ] = None,
    line: Line = None,
    as_json: AsJson = False,
) -> None:
    """Write the proof that a statement is in the log, which needs nothing but the log's public key to be verified.

    Of a package, without --line, these are the proofs for its signature and every claim, in model.tlog-proofs: a policy can ask
    for them.
    """
    if bundle.is_dir() and line is None:
        _prove_package(log, bundle, output, as_json=as_json)
        return
    with errors_as_exits(as_json=as_json, subject=str(log)):
        from bridge.trust.log.operations import prove_statement
        from bridge.trust.log.verified_log import checkpoint_json
        from bridge.trust.log.whole_file import write_whole

        proof = prove_statement(log, bundle, line=line)
        if output is not None:
            write_whole(output, proof.to_bytes())
    if as_json:
        checkpoint = checkpoint_json(proof.checkpoint.checkpoint)
        typer.echo(json.dumps({"index": proof.index, "checkpoint": checkpoint, "proof": proof.to_bytes().decode()}, indent=1))
    elif output is None:
        typer.echo(proof.to_bytes().decode(), nl=False)
    else:
        echo_facts(("proof", str(output)), ("index", str(proof.index)), ("entries", str(proof.checkpoint.checkpoint.size)))


def _prove_package(log: Path, package: Path, output: Path | None, *, as_json: bool) -> None:
    with errors_as_exits(as_json=as_json, subject=str(log)):
        from bridge.trust.log.package_proofs import prove_package, write_proofs
        from bridge.trust.log.verified_log import checkpoint_json
        from bridge.trust.log.whole_file import write_whole
        from bridge.trust.resource_names import LOG_PROOFS

        proofs = prove_package(log, package)
        place = output or package / LOG_PROOFS
        write_whole(place, write_proofs(proofs))
    head = proofs[0].checkpoint.checkpoint
    if as_json:
        indices = [proof.index for proof in proofs]
        typer.echo(json.dumps({"file": str(place), "indices": indices, "checkpoint": checkpoint_json(head)}, indent=1))
    else:
        echo_facts(("proofs", f"{len(proofs)}, in {place}"), ("entries", str(head.size)))


@log_app.command("verify")
def verify_log_command(
    log: Annotated[Path | None, typer.Argument(exists=True, help="The log; not needed for a proof.", show_default=False)] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(help="Public key of the log, its verifier key or PEM; may be repeated.", show_default=False),
    ] = None,
    since: Annotated[
        list[Path] | None,
        typer.Option(help="Older checkpoint that the log has to continue; may be repeated.", show_default=False),
    ] = None,
    remember: Annotated[
        Path | None, typer.Option(help="Like --since, and afterwards holds the newest checkpoint.", show_default=False)
    ] = None,
    proof: Annotated[Path | None, typer.Option(exists=True, help="A proof to verify.", show_default=False)] = None,
    bundle: Annotated[Path | None, typer.Option(exists=True, help="The statement that it is about.", show_default=False)] = None,
    line: Line = None,
    witness: Annotated[
        list[Path] | None, typer.Option(help="Verifier key of a witness; may be repeated.", show_default=False)
    ] = None,
    require_witnesses: Annotated[int, typer.Option(min=0, help="How many of them must have cosigned.")] = 0,
    allow_unsigned: Annotated[bool, typer.Option("--allow-unsigned", help="Look at no signature.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recompute the whole log, check its signature and that it continues what it was; exit 3 where it does not."""
    with errors_as_exits(as_json=as_json, subject=str(log or proof)):
        from bridge.cli.log_progress import LogProgress
        from bridge.trust.log.verified_log import TrustedKeys, verify_log, verify_statement_proof

        if log is None and proof is None:
            raise InvalidOptionError("nothing to verify: name a log, or give --proof and --bundle")
        if (proof is None) != (bundle is None):
            raise InvalidOptionError("--proof and --bundle go together: the one proves that the other is in the log")
        trusted = TrustedKeys(public_key or (), witness or (), require_witnesses, allow_unsigned)
        proven = verify_statement_proof(proof, bundle, trusted, line=line) if proof and bundle else None
        with LogProgress() as progress:
            found = (
                verify_log(
                    log,
                    trusted,
                    since=since or (),
                    remember=remember,
                    proven=proven.proof if proven else None,
                    progress=progress.advance,
                )
                if log
                else proven
            )
    assert found is not None
    _show(found, as_json=as_json)


def _show(found: "VerifiedLog", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
        return
    facts: list[tuple[str, str]] = []
    if found.audit is not None:
        head = found.audit.checkpoint
        facts += [("verified", f"the log {head.origin}, {head.size} entries"), ("root", head.root.hex())]
        facts += [("continues", f"{older.size} entries, root {older.root.hex()}") for older in found.audit.older]
        facts += [("uncommitted", f"{name}: left by an interrupted append, harmless") for name in found.audit.uncommitted[:20]]
    if found.proof is not None:
        proven = found.proof.checkpoint.checkpoint
        facts.append(("proved", f"entry {found.proof.index} of the log {proven.origin}, among {proven.size}"))
    facts.append(("signature", "verified" if found.signed else "NOT LOOKED AT, as --allow-unsigned says"))
    facts += [("witness", f"{item.witness}, {item.time.isoformat()}") for item in found.cosignatures]
    echo_facts(*facts)
