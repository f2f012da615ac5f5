"""A model in the forms that backends run: converted when the first of them asks, into a folder that is thrown away."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.conversion import SOURCE_SHA256, ConversionResult, convert
from bridge.errors import InvalidPackageError, SourceError
from verify.equivalence.backends import Backend, RuntimeOptions
from verify.equivalence.backends.registry import BackendKind, Form
from verify.equivalence.regular_file import open_regular
from verify.report.document import Model

_INTERFACE = "interface.json"


class Subject:
    """What is checked: an ONNX file, the folder of a PyTorch module, or a CNTK file, which is converted to either.

    ``outputs`` are those to convert a CNTK file with. To be used as a context: the converted files are gone afterwards.
    """

    def __init__(self, path: Path, outputs: Sequence[str] | None = None) -> None:
        self.path = path
        self.models: list[Model] = []
        self._outputs = outputs
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._files: dict[Form, Path] = {}
        if form := own_form(path):
            self._files[form] = path
            self.models.append(Model("converted", path.name, _digest(path, form), form.value))

    @property
    def forms(self) -> tuple[Form, ...]:
        """What it can be run as. The source of a converted model lies in its cases."""
        own = own_form(self.path)
        return tuple(Form) if own is None else (own, Form.SOURCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()

    def file(self, form: Form) -> Path:
        """The model in one form; the errors of ``bridge.convert`` where it cannot be had."""
        if form not in self._files:
            self._files[form] = self._convert(form)
        return self._files[form]

    def start(self, kind: BackendKind, options: RuntimeOptions | None = None) -> Backend:
        """The model in a runtime that takes one."""
        assert kind.start is not None
        return kind.start(self.file(kind.form), RuntimeOptions() if options is None else options)

    def _convert(self, form: Form) -> Path:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="bridge-check-")
        destination = Path(self._scratch.name) / ("model.onnx" if form is Form.ONNX else "module")
        result = convert(self.path, destination, outputs=self._outputs, target=form.value)
        source = Model("source", self.path.name, result.source_sha256, f"CNTK {result.source_format}")
        if source not in self.models:
            self.models.append(source)
        self.models.append(_converted(self.path, result, form))
        return destination


def own_form(path: Path) -> Form | None:
    """The form that a path has by itself; ``None`` for a CNTK model."""
    if path.is_dir():
        return Form.TORCH
    return Form.ONNX if path.suffix.lower() == ".onnx" else None


def source_digest(folder: Path) -> str | None:
    """Which source a PyTorch module was converted from, by the folder's own account; nothing of it is run."""
    try:
        metadata = json.loads((folder / _INTERFACE).read_bytes())["metadata"]
        return str(metadata[SOURCE_SHA256])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidPackageError(f"{folder / _INTERFACE}: not that of a PyTorch model of this project: {error}") from error


def _converted(path: Path, result: ConversionResult, form: Form) -> Model:
    kind = f"ONNX opset {result.opset}" if form is Form.ONNX else "PyTorch"
    return Model("converted", f"{path.name} as {form.value}", result.sha256, kind)


def _digest(path: Path, form: Form) -> str:
    file = path if form is Form.ONNX else path / _INTERFACE  # Which states the digests of the folder's other files.
    try:
        with open_regular(file) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        kind = SourceError if form is Form.ONNX else InvalidPackageError
        raise kind(f"{file} cannot be read: {error.strerror}") from error
