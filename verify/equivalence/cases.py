"""A golden case: a folder with a model file and what CNTK computed from it.

::

    model.dnn     the model, named by case.json, with its SHA-256
    tensors.npz   input/<i> and output/<i>; with a sequence axis input/<i>/<j>, one per sequence of the batch, [T, *shape]
    case.json     see verify.equivalence.description
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidBundleError, InvalidGoldenCaseError
from bridge.trust.strict_json import JsonLimits, parse
from verify.equivalence.archive import TensorArchive
from verify.equivalence.description import CaseDescription, VariableDescription, parse_description
from verify.equivalence.regular_file import open_regular

DESCRIPTION_FILE = "case.json"
TENSORS_FILE = "tensors.npz"
_DESCRIPTION = JsonLimits(bytes=16 << 20)

Batch = npt.NDArray[np.generic] | list[npt.NDArray[np.generic]]
"""``[N, *shape]`` (``[*shape]`` without dynamic axes), or one ``[T, *shape]`` per sequence."""


@dataclass(frozen=True, slots=True)
class RecordedVariable:
    """A variable and the value it had."""

    description: VariableDescription
    value: Batch


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """A case in memory, but for its model. ``tensors_sha256`` is the digest of the file that the tensors came from."""

    folder: Path
    description: CaseDescription
    inputs: tuple[RecordedVariable, ...]
    outputs: tuple[RecordedVariable, ...]
    tensors_sha256: str = ""

    @property
    def name(self) -> str:
        """What reports call it."""
        return case_name(self.folder)

    def output_names(self) -> tuple[str, ...]:
        """The recorded outputs, as ``bridge.convert(outputs=...)`` wants them: by uid from the second of a name on."""
        taken: set[str] = set()
        names = []
        for description in (output.description for output in self.outputs):
            names.append(description.uid if description.public_name in taken else description.public_name)
            taken.add(description.public_name)
        return tuple(names)

    def model_path(self) -> Path:
        """The model's file, after a look that it is the one recorded."""
        path = self.folder / self.description.model
        try:
            with open_regular(path) as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InvalidGoldenCaseError(f"{path}: cannot be read: {error.strerror}") from error
        if found != self.description.model_sha256:
            raise InvalidGoldenCaseError(
                f"{path}: not the recorded model: expected SHA-256 {self.description.model_sha256}, found {found}"
            )
        return path


def case_name(folder: Path) -> str:
    """The folder's own name, however it was reached: ``.`` and ``..`` are names of nothing."""
    return Path(os.path.abspath(folder)).name  # noqa: PTH100  # Path.resolve would follow links, whose own names count.


def find_cases(folder: Path) -> tuple[Path, ...]:
    """The folders of all cases at or below ``folder``, sorted; ``InvalidGoldenCaseError`` where there is none."""
    if (folder / DESCRIPTION_FILE).is_file():
        return (folder,)
    found = tuple(sorted(path.parent for path in folder.rglob(DESCRIPTION_FILE)))
    if not found:
        raise InvalidGoldenCaseError(f"{folder}: no golden case: expected {DESCRIPTION_FILE} in it or in a folder below")
    return found


def load_description(folder: Path) -> CaseDescription:
    """``case.json`` alone, for choosing among many cases."""
    path = folder / DESCRIPTION_FILE
    try:
        with open_regular(path) as stream:
            octets = stream.read(_DESCRIPTION.bytes + 1)
    except OSError as error:
        raise InvalidGoldenCaseError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        document = parse(octets, what=str(path), limits=_DESCRIPTION)
    except InvalidBundleError as error:
        raise InvalidGoldenCaseError(str(error)) from error
    try:
        return parse_description(document)
    except InvalidGoldenCaseError as error:
        raise InvalidGoldenCaseError(f"{folder}: {error}") from error


def load_case(folder: Path) -> GoldenCase:
    """A case with all its tensors; ``InvalidGoldenCaseError`` with the file and the field at fault."""
    description = load_description(folder)
    with TensorArchive(folder / TENSORS_FILE) as archive:
        return GoldenCase(
            folder=folder,
            description=description,
            inputs=tuple(_recorded(archive, f"input/{i}", item) for i, item in enumerate(description.inputs)),
            outputs=tuple(_recorded(archive, f"output/{i}", item) for i, item in enumerate(description.outputs)),
            tensors_sha256=archive.sha256,
        )


def _recorded(archive: TensorArchive, key: str, description: VariableDescription) -> RecordedVariable:
    if description.sequences is None:
        return RecordedVariable(description, _read(archive, key, description))
    sequences = [_read(archive, f"{key}/{j}", description) for j in range(description.sequences)]
    steps = {sequence.shape[1:] for sequence in sequences}
    if len(steps) > 1 or sequences[0].ndim == 0:
        raise InvalidGoldenCaseError(f"tensors {key!r} of {description.public_name}: the steps of the sequences differ in shape")
    return RecordedVariable(description, sequences)


def _read(archive: TensorArchive, key: str, description: VariableDescription) -> npt.NDArray[np.generic]:
    # Shapes are left to the comparison: CNTK accepts a batch of one without its batch dimension, and cases record what it
    # was fed.
    value = archive.read(key)
    if value.dtype != np.dtype(description.dtype):
        raise InvalidGoldenCaseError(
            f"tensor {key!r} of {description.public_name}: expected {description.dtype}, found {value.dtype}"
        )
    return value
