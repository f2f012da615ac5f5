"""``bridge doctor``: what is installed, what works, what to do about the rest; and whether libraries are what was installed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import output_console, plain, size
from bridge.cli.exits import CHECK_FAILED, errors_as_exits
from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.diagnosis.finding import Finding
    from bridge.trust.integrity.findings import IntegrityReport


def doctor_command(
    integrity: Annotated[bool, typer.Option("--integrity", help="Hash the installed libraries instead.")] = False,
    library: Annotated[
        list[str] | None, typer.Option(help="Which; may be repeated.  [default: those that models run on]", show_default=False)
    ] = None,
    lock: Annotated[Path | None, typer.Option(help="Signed lock to hold them to.", show_default=False)] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(help="Public key that may have signed the lock; may be repeated.", show_default=False)
    ] = None,
    trusted_root: Annotated[
        list[Path] | None, typer.Option(help="Certificates under which it may be signed; may be repeated.", show_default=False)
    ] = None,
    write_lock: Annotated[
        Path | None, typer.Option(help="Where to write a lock of what is installed.", show_default=False)
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Private key to sign it with: see `bridge keys new`.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the key's password.  [default: BRIDGE_KEY_PASSWORD, else a prompt]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is installed, what works, and what to do about the rest; exit 1 where something that is needed does not work."""
    with errors_as_exits(as_json=as_json):
        if (write_lock is None) != (key is None):
            raise InvalidOptionError("--write-lock and --key go together: a lock that nobody signed locks nothing")
        if lock is None and (public_key or trusted_root):
            raise InvalidOptionError("--public-key and --trusted-root say who may have signed a lock: give --lock too")
        if not (integrity or lock or write_lock or library):
            _show_findings(as_json=as_json)
            return
        report = _checked(library, lock, public_key or (), trusted_root or ())
        if write_lock is not None and not report.faults:
            _write_lock(report, write_lock, key, password_file)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=1))
    else:
        _show_report(report, written=None if report.faults else write_lock)
    if report.faults:
        raise typer.Exit(CHECK_FAILED)


def _checked(
    library: list[str] | None, lock: Path | None, public_keys: "Sequence[Path]", trusted_roots: "Sequence[Path]"
) -> "IntegrityReport":
    from bridge.cli.hashing_progress import HashingProgress
    from bridge.cli.trust_options import load_verifier
    from bridge.trust.integrity.checking import DEFAULT_LIBRARIES, check_libraries
    from bridge.trust.integrity.lock import read_lock
    from bridge.trust.small_files import read_small_file

    held_to = None
    if lock is not None:
        held_to = read_lock(read_small_file(lock, what="lock", most=1 << 20), load_verifier(public_keys, trusted_roots, (), None))
    with HashingProgress("hashing libraries") as progress:
        return check_libraries(library or DEFAULT_LIBRARIES, held_to, advance=progress.advance)


def _write_lock(report: "IntegrityReport", path: Path, key: Path | None, password_file: Path | None) -> None:
    from bridge.cli.sign import load_signer
    from bridge.trust.integrity.lock import sign_lock
    from bridge.trust.log.whole_file import write_whole

    write_whole(path, sign_lock(report, load_signer(key, None, (), password_file)))


def _show_findings(*, as_json: bool) -> None:
    from bridge.diagnosis.diagnose import diagnose

    findings = diagnose()
    failing = [finding for finding in findings if finding.fails]
    if as_json:
        typer.echo(json.dumps({"works": not failing, "findings": [finding.to_json() for finding in findings]}, indent=1))
    else:
        _print_table(findings)
    if failing:
        raise typer.Exit(CHECK_FAILED)


def _print_table(findings: "Sequence[Finding]") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "state", "found"):
        table.add_column(heading, overflow="fold")
    area = ""
    for finding in findings:
        detail = f"{finding.detail}; {finding.advice}" if finding.advice else finding.detail
        state = f"{finding.state.value}, and needed" if finding.fails and finding.required else finding.state.value
        shown = finding.area if finding.area != area else ""
        table.add_row(*map(plain, (shown, finding.name, state, detail)))
        area = finding.area
    output_console().print(table)


def _show_report(report: "IntegrityReport", *, written: Path | None) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("library", "version", "files", "size", "verdict"):
        table.add_column(heading, overflow="fold", justify="right" if heading in {"files", "size"} else "left")
    for library in report.libraries:
        if library.how != "absent" or library.faults:
            verdict = f"{len(library.faults)} fault(s)" if library.faults else library.note or "as its RECORD has it"
            table.add_row(*map(plain, (library.name, library.version, str(library.files), size(library.bytes), verdict)))
    console = output_console()
    console.print(table)
    for fault in report.faults[:100]:
        console.print(plain(str(fault)), soft_wrap=True)
    for file in report.startup:
        console.print(plain(f"at every start: {file.path}, of {file.owner or 'nobody that is installed'}"), soft_wrap=True)
    bytecode = sum(library.bytecode for library in report.libraries)
    console.print(plain(f"not covered: {bytecode} files of cached bytecode; PYTHONPYCACHEPREFIX makes Python pass them over"))
    held = (
        f"held to the lock signed by {report.locked_by}" if report.locked_by else "held to their own RECORDs; no lock was given"
    )
    console.print(plain(f"{held}; {len(report.faults)} fault(s), {report.seconds:.1f} s"), soft_wrap=True)
    if written is not None:
        console.print(plain(f"lock written: {written}"))
