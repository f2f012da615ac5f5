"""Passwords for the command line: from a file, the environment or a prompt, never from an argument that others can see."""

import os
import sys
from pathlib import Path

from bridge.errors import InvalidOptionError

_LONGEST = 1024


def password_given(password_file: Path | None) -> bytes | None:
    """The password in ``password_file``, else in BRIDGE_KEY_PASSWORD, else ``None``. A line end is no part of it."""
    from bridge.trust.keys import PASSWORD_VARIABLE
    from bridge.trust.small_files import read_small_file

    if password_file is not None:
        password = read_small_file(password_file, what="password file", most=_LONGEST).rstrip(b"\r\n")
        if not password:
            raise InvalidOptionError(f"the password file '{password_file}' is empty")
        return password
    variable = os.environb.get(PASSWORD_VARIABLE.encode())
    return variable or None


def ask_for_password() -> bytes | None:
    """The password of a key that exists, from the terminal; ``None`` where there is no terminal to ask at."""
    return _ask("Password of the private key: ")


def ask_for_new_password() -> bytes | None:
    """A password, asked for twice; ``None`` where there is no terminal to ask at."""
    first = _ask("Password for the private key: ")
    if first is not None and first != _ask("The same again: "):
        raise InvalidOptionError("the two passwords differ")
    return first


def _ask(prompt: str) -> bytes | None:
    if not sys.stdin.isatty():
        return None
    from getpass import getpass

    return getpass(prompt).encode()
