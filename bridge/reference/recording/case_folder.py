"""A golden case on disk: ``case.json``, ``tensors.npz`` and a copy of the model, in the form of ``golden/README.md``.

Inner values, where they are asked for, stand beside the outputs: ``intermediates`` in ``case.json``, ``intermediate/<i>`` in the
tensors. Who reads cases without knowing of them reads the same case as ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import WriteError
from bridge.reference.recording.archive import write_archive
from bridge.reference.staged_folder import StagedFolder
from bridge.reference.values import Array, Batch, ReferenceValue, ReferenceVariable

MODEL_FILE, DESCRIPTION_FILE, TENSORS_FILE = "model.dnn", "case.json", "tensors.npz"


@dataclass(frozen=True, slots=True)
class NewCase:
    """Everything that a case holds. ``origin`` is what ``case.json`` says of engine and inputs beyond the format's own fields."""

    model: memoryview
    model_sha256: str
    source: str
    note: str
    inputs: tuple[ReferenceValue, ...]
    outputs: tuple[ReferenceValue, ...]
    intermediates: tuple[ReferenceValue, ...]
    operators: tuple[str, ...]
    origin: Mapping[str, Any]


def write_case(folder: Path, case: NewCase, *, overwrite: bool = False) -> None:
    """Write ``case`` as ``folder``, whole or not at all.

    Raises ``WriteError`` where something stands there that is no golden case, or one is not to be replaced.
    """
    _refuse_existing(folder, overwrite=overwrite)
    arrays: dict[str, Array] = {}
    for kind, values in (("input", case.inputs), ("output", case.outputs), ("intermediate", case.intermediates)):
        for index, value in enumerate(values):
            arrays.update(_arrays(f"{kind}/{index}", value.value))
    try:
        with StagedFolder(folder) as staged:
            with (staged.path / MODEL_FILE).open("xb") as stream:
                stream.write(case.model)
            write_archive(staged.path / TENSORS_FILE, arrays)
            (staged.path / DESCRIPTION_FILE).write_text(json.dumps(_document(case), indent=1) + "\n", encoding="utf-8")
            staged.put_in_place()
    except OSError as error:
        raise WriteError(f"cannot write the golden case {folder}: {error.strerror or error}") from error


def _refuse_existing(folder: Path, *, overwrite: bool) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise WriteError(f"cannot write the golden case {folder}: something else than a folder stands there")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / DESCRIPTION_FILE).is_file():
            raise WriteError(f"cannot write the golden case {folder}: it holds something else than a golden case")
        if not overwrite:
            raise WriteError(f"the golden case {folder} exists; --force replaces it")


def _arrays(key: str, value: Batch) -> Iterable[tuple[str, Array]]:
    if isinstance(value, list):
        return [(f"{key}/{number}", sequence) for number, sequence in enumerate(value)]
    return [(key, value)]


def _document(case: NewCase) -> dict[str, Any]:
    document = {
        "format": "golden-case/1",
        "producer": "CNTK 2.7 CPU",
        "source": case.source,
        "ops": list(case.operators),
        "model": MODEL_FILE,
        "model_sha256": case.model_sha256,
        "inputs": [_described(value) for value in case.inputs],
        "outputs": [_described(value) for value in case.outputs],
        "note": case.note,
        "expect": "match",
        "origin": dict(case.origin),
    }
    if case.intermediates:
        document["intermediates"] = [_described(value) | {"operator": value.variable.operator} for value in case.intermediates]
    return document


def _described(value: ReferenceValue) -> dict[str, Any]:
    variable: ReferenceVariable = value.variable
    entry: dict[str, Any] = {
        "name": variable.name,
        "uid": variable.uid,
        "shape": list(variable.shape),
        "dtype": variable.dtype,
        "dynamic_axes": list(variable.dynamic_axes),
        "sparse": variable.sparse,
    }
    if isinstance(value.value, list):
        entry["sequences"] = len(value.value)
    return entry
