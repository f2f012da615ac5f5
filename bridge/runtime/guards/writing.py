"""Fitted guards as a folder: the file of guards, and the bank that it names."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bridge.errors import WriteError
from bridge.runtime.guards.learning import BANK, FalseAlarms, FittedGuards
from bridge.targets.atomic import StagedFile, put_in_place
from bridge.targets.hashed_file import HashedFile
from bridge.targets.write_failures import explained

GUARDS: Final = "guards.yaml"


def write_guards(fitted: FittedGuards, folder: Path, *, overwrite: bool = False) -> str:
    """Write ``guards.yaml`` and ``bank.npz`` into ``folder``, both or neither; the SHA-256 of the former.

    Raises ``WriteError`` where one of them stands there already, unless ``overwrite``, or the folder cannot be written.
    """
    contents = [(folder / BANK, fitted.bank), (folder / GUARDS, _text(fitted).encode())]
    if not overwrite and (standing := [path for path, _ in contents if path.exists()]):
        raise WriteError(f"'{standing[0]}' exists: name another folder, or overwrite it with --force")
    with explained(folder / GUARDS), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        staged: list[StagedFile] = []
        digest = ""
        for path, content in contents:
            if content is not None:
                file = stack.enter_context(StagedFile(path))
                with HashedFile(file.descriptor) as out:
                    out.write(content)
                    digest = out.finish()
                staged.append(file)
        put_in_place(staged)
    return digest


def _text(fitted: FittedGuards) -> str:
    lines = [
        f"# Fitted by cntk-bridge on {fitted.fitted + fitted.calibrated} clean samples of the file sha256:{fitted.data_sha256}.",
        f"# Share of {fitted.false_alarms[-1].asked} others that is refused: {', '.join(map(_said, fitted.false_alarms))}.",
        "guards:",
    ]
    for entry in fitted.entries:
        lines += [f"{' - ' if index == 0 else '   '}{key}: {_value(value)}" for index, (key, value) in enumerate(entry.items())]
    return "\n".join(lines) + "\n"


def _said(alarms: FalseAlarms) -> str:
    return f"{alarms.guard} {alarms.refused / alarms.asked:.4f} (at most {alarms.upper:.4f}, 95 %)"


def _value(value: Any) -> str:
    """As JSON, which is YAML, but for what YAML would read otherwise: 1e-05 has to have a point for it to be a number."""
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    text = json.dumps(value)
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text
