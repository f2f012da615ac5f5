"""One check as it goes on: cases on backends, and everything that the report will hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.checking.options import CheckOptions
from bridge.checking.subject import Subject
from bridge.errors import BridgeError
from verify.equivalence.assembling import assemble
from verify.equivalence.backends import Backend, BackendError, BackendIdentity
from verify.equivalence.backends.registry import CNTK, BackendKind, Form
from verify.equivalence.cases import GoldenCase
from verify.equivalence.checking import check_case, failed_case
from verify.report.document import Bisection, Case, Determinism, Model, OutputVerdict, Report


class Session:
    """Collects what a check finds.

    ``total`` is the number of cases on backends that there will be, for showing progress; ``failed`` came to nothing already.
    """

    def __init__(self, options: CheckOptions, total: int, failed: Sequence[Case] = ()) -> None:
        self._options = options
        self._total = total
        self._done = 0
        self._cases: list[Case] = [*failed]
        self._inputs: dict[tuple[str, str], GoldenCase] = {}
        self._backends: list[BackendIdentity] = []
        self._models: list[Model] = []
        self._determinism: list[Determinism] = []
        self._bisections: list[Bisection] = []

    @property
    def stopped(self) -> bool:
        """Whether what was found is enough, by the caller's wish."""
        return self._options.fail_fast and any(not case.holds for case in self._cases)

    def run(self, subject: Subject, cases: Sequence[GoldenCase], kinds: Sequence[BackendKind]) -> None:
        """Every case on every backend. A backend that cannot be started fails all cases on it, and keeps no other from running.

        Errors of the conversion are raised.
        """
        for case in cases:
            self._inputs[case.name, case.tensors_sha256] = case
        referee = self._referee(subject)
        for kind in kinds:
            if self.stopped:
                break
            self._run_on(subject, cases, kind, referee)
        self._models += subject.models

    def add(self, case: Case) -> None:
        """A case that was decided elsewhere."""
        self._cases.append(case)
        self._done += 1

    def report(self) -> Report:
        """Everything so far.

        ``InvalidOptionError`` where every case was compared, and a tolerance was given for none of their outputs.
        """
        if not self.stopped and not any(case.error for case in self._cases):
            self._options.rules.refuse_unused({output.name for case in self._cases for output in case.outputs})
        report = assemble(
            self._cases,
            command=self._options.command,
            models=self._models,
            inputs=list(self._inputs.values()),
            backends=self._backends,
        )
        used = {output.waiver for case in self._cases for output in case.outputs if output.waiver is not None}
        applied = tuple(replace(item, applied=replace(item, applied=True) in used) for item in self._options.rules.waivers)
        return replace(report, determinism=tuple(self._determinism), bisections=tuple(self._bisections), waivers=applied)

    def _run_on(self, subject: Subject, cases: Sequence[GoldenCase], kind: BackendKind, referee: Backend | None) -> None:
        if kind.form is Form.SOURCE:
            self._run_on_cntk(cases)
            return
        subject.file(kind.form)
        try:
            backend = subject.start(kind)
        except BackendError as error:
            for case in cases:
                self.add(failed_case(case.name, kind.name, error))
            return
        self._backends.append(backend.identity)
        for case in cases:
            if self.stopped:
                return
            self._announce(case, kind.name)
            found = check_case(backend, case, self._options.rules, referee)
            self.add(self._bisected(subject, case, found, kind))
        if self._options.determinism and not self.stopped:
            from verify.equivalence.determinism import check_determinism

            self._announce(cases[0], f"{kind.name}, determinism")
            self._determinism += check_determinism(cases[0], lambda options: subject.start(kind, options))

    def _run_on_cntk(self, cases: Sequence[GoldenCase]) -> None:
        from bridge.checking.reference import check_with_cntk, cntk_identity
        from bridge.reference.engine import ReferenceEngine

        engine = ReferenceEngine.find()
        self._backends.append(cntk_identity(engine))
        for case in cases:
            if not self.stopped:
                self._announce(case, CNTK)
                self.add(check_with_cntk(engine, case, self._options.rules))

    def _bisected(self, subject: Subject, case: GoldenCase, found: Case, kind: BackendKind) -> Case:
        """The case as it is, after a search for the first operator that differs, where that was asked for and one does."""
        # An output that is missing, or that nobody recorded, is no matter of operators.
        differs = any(output.verdict is OutputVerdict.DIFFERS for output in found.outputs)
        wanted = self._options.bisect and differs and kind.form is Form.ONNX
        if not wanted or any(item.case == case.name for item in self._bisections):
            return found
        from bridge.checking.bisecting import bisect

        self._announce(case, f"{kind.name}, bisection")
        try:
            self._bisections.append(bisect(subject.file(Form.ONNX), case, kind.name, self._options.report_folder))
        except BridgeError as error:
            return replace(found, note=f"{found.note}; no bisection: {error}".removeprefix("; "))
        return found

    def _announce(self, case: GoldenCase, where: str) -> None:
        self._options.progress(self._done, self._total, f"{case.name} on {where}")

    def _referee(self, subject: Subject) -> Backend | None:
        """The graph in double precision; a module of PyTorch has no such graph beside it."""
        if not self._options.referee or Form.ONNX not in subject.forms:
            return None
        from verify.equivalence.backends.float64 import Float64

        referee = Float64(subject.file(Form.ONNX))
        self._backends.append(referee.identity)
        return referee
