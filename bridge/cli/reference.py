"""``bridge reference``: installs the real CNTK 2.7, and says whether it still is what was installed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import error_console, output_console, plain, size
from bridge.cli.exits import CHECK_FAILED, errors_as_exits

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.reference.installation import Installation

reference_app = typer.Typer(
    name="reference",
    help="The real CNTK 2.7, with which golden cases are recorded: install it from pinned hashes, check it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@reference_app.command("install")
def install_command(
    wheels: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder with the wheels.  [default: what pip downloads]"),
    ] = None,
    into: Annotated[Path | None, typer.Option(help="Folder to install into.  [default: the user's data directory]")] = None,
    python: Annotated[
        Path | None,
        typer.Option(help="A Python 3.6.  [default: BRIDGE_REFERENCE_PYTHON, or one of pyenv, uv, conda or the system]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Install CNTK 2.7 from wheels whose SHA-256 is pinned. Nothing else runs but a trial evaluation at the end."""
    with errors_as_exits(as_json=as_json):
        from bridge.reference.installation import install

        with _Bar() as report:
            installation = install(into, wheels=wheels, python=python, report=report)
    if as_json:
        typer.echo(json.dumps(_installed_json(installation), indent=1))
        return
    console = output_console()
    console.print(plain(f"installed CNTK 2.7 in {installation.root}: {installation.files} files, {size(installation.bytes)}"))
    console.print(plain(f"Python {installation.environment.interpreter.version}: {installation.environment.interpreter.path}"))
    for library in installation.libraries:
        console.print(plain(f"{library.needed}: {library.path} (the system's, not pinned)"))
    console.print(plain(f"while it evaluates: network {installation.network}; files kept by {installation.isolation}"))


@reference_app.command("status")
def status_command(
    root: Annotated[
        Path | None, typer.Option("--in", help="Where it is installed.  [default: the user's data directory]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hash every installed file again; exit 1 where one is changed, missing, or in no pinned wheel."""
    with errors_as_exits(as_json=as_json):
        from bridge.reference.environment import DESCRIPTION, default_root, not_installed
        from bridge.reference.integrity import InstalledFiles

        folder = root or default_root()
        if not (folder / DESCRIPTION).is_file():
            raise not_installed(folder)
        report = InstalledFiles(folder).check()
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=1))
    else:
        console = output_console()
        for sentence in report.sentences():
            console.print(plain(sentence), soft_wrap=True)
        verdict = "as the lock pins it" if report.holds else "NOT what the lock pins; `bridge reference install` makes it anew"
        found = f"{report.files} files, {size(report.bytes)}, hashed in {report.seconds:.1f} s"
        console.print(plain(f"{report.root}: {verdict} ({found})"), soft_wrap=True)
    if not report.holds:
        raise typer.Exit(CHECK_FAILED)


class _Bar:
    """A progress bar on standard error where that is a terminal; plain lines where it is not."""

    def __enter__(self) -> "Callable[[str, float], None]":
        from rich.progress import Progress

        console = error_console()
        self._progress = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._progress.start()
        task = self._progress.add_task("installing", total=1.0)

        def report(step: str, done: float) -> None:
            self._progress.update(task, description=step, completed=done)
            if not console.is_terminal:
                console.print(plain(step))

        return report

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _installed_json(installation: "Installation") -> dict[str, object]:
    interpreter = installation.environment.interpreter
    return {
        "root": str(installation.root),
        "files": installation.files,
        "bytes": installation.bytes,
        "python": {"path": str(interpreter.path), "version": interpreter.version},
        "libraries": [
            {"needed": library.needed, "path": str(library.path), "sha256": library.sha256} for library in installation.libraries
        ],
        "network": installation.network,
        "files_kept_by": installation.isolation,
    }
