"""Inputs of one call from numpy's files, read without trusting them: no pickles, nothing larger than the file justifies."""

from __future__ import annotations

import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bridge.errors import InvalidGoldenCaseError, InvalidInputsError
from bridge.runtime.served import Array
from verify.equivalence.archive import TensorArchive


def read_inputs(arguments: Sequence[str]) -> dict[str, Array]:
    """The arrays of ``FILE.npz``, all under their names, and of ``NAME=FILE.npy``. Raises ``InvalidInputsError``."""
    arrays: dict[str, Array] = {}
    for argument in arguments:
        name, separator, path = argument.partition("=")
        found = {name: _read_npy(Path(path))} if separator else _read_npz(Path(argument))
        twice = sorted(found.keys() & arrays.keys())
        if twice:
            raise InvalidInputsError(f"the input {twice[0]!r} is given twice")
        arrays |= found
    return arrays


def _read_npz(path: Path) -> dict[str, Array]:
    if path.suffix != ".npz":
        raise InvalidInputsError(f"{path}: expected an .npz file, or NAME=FILE.npy")
    try:
        with TensorArchive(path) as archive:
            return {name: archive.read(name) for name in sorted(archive.names)}
    except InvalidGoldenCaseError as error:
        raise InvalidInputsError(str(error)) from error


def _read_npy(path: Path) -> Array:
    try:
        # Mapped, so that a header that promises more than the file holds allocates nothing.
        value: np.ndarray[Any, np.dtype[Any]] = np.array(np.lib.format.open_memmap(path, mode="r"))
    except (OSError, ValueError, EOFError, SyntaxError, tokenize.TokenError) as error:
        raise InvalidInputsError(f"{path}: not a readable .npy file: {error}") from error
    return value
