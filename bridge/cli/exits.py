"""How the command ends: exit codes, and what becomes of errors."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from bridge.cli.console import error_console, plain
from bridge.errors import (
    BridgeError,
    GuardRefusedError,
    IntegrityError,
    InvalidGoldenCaseError,
    PolicyError,
    UsageError,
    WriteError,
)

DONE = 0
CHECK_FAILED = 1
BAD_USAGE = 2
REFUSED = 3


def exit_code(error: BridgeError) -> int:
    """Bad usage where the caller can put it right by calling otherwise; refused where the model is at fault."""
    # A folder of cases that cannot be used, or a place that cannot be written, was named by the caller.
    return BAD_USAGE if isinstance(error, UsageError | WriteError | InvalidGoldenCaseError) else REFUSED


def error_json(error: BridgeError) -> dict[str, Any]:
    """An error for machines."""
    document = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, PolicyError):
        document["rule"] = error.rule
    elif isinstance(error, IntegrityError):
        document |= {"file": error.path, "expected": error.expected, "computed": error.computed}
    elif isinstance(error, GuardRefusedError):
        document |= {"guard": error.guard, "input": error.name}
    return document


def located(error: BridgeError, subject: str) -> str:
    """The error's sentence, with the file at fault in front where the sentence does not hold it."""
    sentence = str(error)
    return sentence if not subject or subject in sentence else f"{subject}: {sentence}"


@contextmanager
def errors_as_exits(*, as_json: bool, subject: str = "") -> Iterator[None]:
    """Turn every error of ours into one message and an exit code. Any other exception is a bug and keeps its traceback.

    ``subject`` is the file that is at fault, for errors that do not name it themselves.
    """
    try:
        yield
    except BridgeError as error:
        if as_json:
            json.dump(error_json(error), sys.stdout, indent=1)
            sys.stdout.write("\n")
        error_console().print(plain(f"bridge: {located(error, subject)}"))
        raise typer.Exit(exit_code(error)) from error
