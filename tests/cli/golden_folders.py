"""Where the repository's own golden cases are, and the command run on them in this process."""

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from bridge.cli.app import app

GOLDEN = Path(__file__).parents[2] / "golden"
LENET = GOLDEN / "digits_lenet"


def bridge(*arguments: str | Path) -> Result:
    """The command, in this process; its output, its complaints and its exit code."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
