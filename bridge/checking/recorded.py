"""Every golden case of a folder on its own model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bridge.checking.options import STANDARD_CHECK, CheckOptions
from bridge.checking.readable import read_cases
from bridge.checking.session import Session
from bridge.checking.subject import Subject
from bridge.errors import BridgeError, RefusedError
from verify.equivalence.backends.registry import BackendKind, Form, choose_kinds
from verify.equivalence.cases import GoldenCase, find_cases, load_case
from verify.equivalence.checking import RECORDED, failed_case
from verify.report.document import Case, Report


def check_recorded(golden: str | os.PathLike[str], options: CheckOptions = STANDARD_CHECK) -> Report:
    """Check every case in or below ``golden`` on its own model. A model that holds user code holds when it is refused.

    A case that cannot be read is one more that comes to nothing; ``InvalidGoldenCaseError`` where there is no other.
    """
    kinds = choose_kinds(options.backends, tuple(Form))
    folders = find_cases(Path(golden))
    session = Session(options, len(folders) * len(kinds))
    for _, case in read_cases(folders, load_case, session.add):
        if session.stopped:
            break
        try:
            _check_one(session, case, kinds)
        except BridgeError as error:
            session.add(failed_case(case.name, "", error))
    return session.report()


def _check_one(session: Session, case: GoldenCase, kinds: Sequence[BackendKind]) -> None:
    with Subject(case.model_path(), case.output_names()) as subject:
        if case.description.refusal_expected:
            session.add(_refusal(subject, case))
        else:
            session.run(subject, [case], kinds)


def _refusal(subject: Subject, case: GoldenCase) -> Case:
    try:
        subject.file(Form.ONNX)
    except RefusedError as error:
        note = "refused, as it has to be: " + str(error).split("\n", maxsplit=1)[0]
        return Case(case=case.name, backend="", reference=RECORDED, note=note)
    return failed_case(case.name, "", "was converted, though the model holds user code and has to be refused")
