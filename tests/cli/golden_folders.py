"""Where the repository's own golden cases are, and the command run on them in this process."""

from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from bridge.cli.app import app

GOLDEN = Path(__file__).parents[2] / "golden"
LENET = GOLDEN / "digits_lenet"


class Finished(NamedTuple):
    """How the command ended."""

    exit_code: int
    stdout: str
    stderr: str
    output: str  # both, as a terminal would show them


def bridge(*arguments: str | Path) -> Finished:
    """The command, in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return Finished(result.exit_code, result.stdout, result.stderr, result.output)
