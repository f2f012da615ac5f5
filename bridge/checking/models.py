"""One model on the cases that were recorded from it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.checking.options import STANDARD_CHECK, CheckOptions
from bridge.checking.readable import read_cases
from bridge.checking.session import Session
from bridge.checking.subject import Subject, own_form, source_digest
from bridge.conversion import SOURCE_SHA256
from bridge.errors import InvalidGoldenCaseError, UnsignedCodeError
from verify.equivalence.backends import RuntimeOptions
from verify.equivalence.backends.registry import Form, choose_kinds
from verify.equivalence.cases import GoldenCase, find_cases, load_case, load_description
from verify.report.document import Case, Report


def check(model: str | os.PathLike[str], golden: str | os.PathLike[str], options: CheckOptions = STANDARD_CHECK) -> Report:
    """Check ``model`` on the case in ``golden``, or on all those below it that were recorded from this model.

    A ``.onnx`` file or the folder of a PyTorch module is run as it is; anything else is taken for a CNTK model and converted
    first, with the outputs that the case records. Running a folder runs its ``model.py``: ``UnsignedCodeError`` unless
    ``options.allow_unsigned``. Raises ``BridgeError`` where the model or the cases cannot be used; a difference is the report's
    to tell, and so is one among several cases that cannot be read.
    """
    path = Path(model)
    form = own_form(path)
    if form is Form.TORCH and not options.allow_unsigned:
        raise UnsignedCodeError(str(path / "model.py"))
    if form is not None:
        return _check_own_form(path, Path(golden), options)
    from bridge.sealed import SealedSource

    with SealedSource(path) as source:
        cases, failed = _cases_of(Path(golden), source.sha256())
    kinds = choose_kinds(options.backends, tuple(Form))
    session = Session(options, len(cases) * len(kinds), failed)
    for outputs, alike in _by_outputs(cases).items():
        if not session.stopped:
            with Subject(path, outputs) as subject:
                session.run(subject, alike, kinds)
    return session.report()


def check_converted(model: Path, golden: Path) -> Report:
    """Check an ONNX file, whose metadata says which source it was converted from."""
    return _check_own_form(model, golden, STANDARD_CHECK)


def check_converted_torch(folder: Path, golden: Path) -> Report:
    """Check the folder of a PyTorch module, whose ``model.py`` is run: for folders that were written just now."""
    return _check_own_form(folder, golden, STANDARD_CHECK)


def _by_outputs(cases: Sequence[GoldenCase]) -> Mapping[tuple[str, ...], Sequence[GoldenCase]]:
    """The cases by the outputs that they record: those of the same ones need one conversion between them."""
    found: dict[tuple[str, ...], list[GoldenCase]] = {}
    for case in cases:
        found.setdefault(case.output_names(), []).append(case)
    return found


def _check_own_form(path: Path, golden: Path, options: CheckOptions) -> Report:
    with Subject(path) as subject:
        kinds = choose_kinds(options.backends, subject.forms)
        cases, failed = _cases_of(golden, _source_of(subject))
        session = Session(options, len(cases) * len(kinds), failed)
        session.run(subject, cases, kinds)
        return session.report()


def _source_of(subject: Subject) -> str | None:
    """The digest of the source that a converted model says it came from; ``None`` where it says nothing."""
    if Form.ONNX not in subject.forms:
        return source_digest(subject.path)
    from verify.equivalence.backends.onnxruntime import OnnxRuntime

    return OnnxRuntime(subject.path, options=RuntimeOptions()).metadata.get(SOURCE_SHA256)


def _cases_of(golden: Path, source_sha256: str | None) -> tuple[Sequence[GoldenCase], Sequence[Case]]:
    """The cases that were recorded from the source, all of them where it is not known; and those that cannot be read."""
    failed: list[Case] = []
    folders = list(find_cases(golden))
    if source_sha256 is not None:
        described = read_cases(folders, load_description, failed.append)
        folders = [folder for folder, description in described if description.model_sha256 == source_sha256]
    if not folders:
        raise InvalidGoldenCaseError(
            f"{golden}: no case there was recorded from this model, whose source has the SHA-256 {source_sha256}"
        )
    return [case for _, case in read_cases(folders, load_case, failed.append)], failed
