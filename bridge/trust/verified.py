"""Bytes that were verified, and cannot be others any more: read once into sealed memory, hashed there, used from there.

``verify_file`` and ``verify_folder`` are the only makers of the two classes here, so that who is handed one knows that a policy
accepted its content. Every refusal is logged, and alerts are sent, before it is raised (see ``alerts``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.errors import (
    IntegrityError,
    InvalidOptionError,
    PolicyError,
    SourceChangedError,
    UnsafePathError,
)
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.sealed import SealedSource
from bridge.trust.alerts.incident import INTEGRITY, REFUSAL, Incident
from bridge.trust.alerts.raising import raise_alarm
from bridge.trust.judging import judge
from bridge.trust.model_signature import VerifiedModel
from bridge.trust.policy.model import PACKAGE, SOURCE, Policy
from bridge.trust.policy.rules import CLAIMS, SIGNATURE, Decision
from bridge.trust.policy.versions import StatedVersion, remember
from bridge.trust.provenance.claims import CLAIMS_BYTES_AT_MOST
from bridge.trust.provenance.history import SIGNATURE_BYTES_AT_MOST, Evidence, read_evidence
from bridge.trust.resource_names import SINGLE_FILE
from bridge.trust.small_files import StrPath, read_small_file
from bridge.trust.tree import OpenedFile, OpenedRoot

# What only the functions of this module hand to the constructors.
_MAKER = object()


class VerifiedFile:
    """One file that a policy accepted. ``view`` is its bytes, read-only, and ``decision`` says why, ``evidence`` by what.

    Arrays that were made from ``view`` may outlive this object. ``verify_file`` alone makes one.
    """

    def __init__(self, maker: object, source: SealedSource, decision: Decision, model: VerifiedModel, evidence: Evidence) -> None:
        if maker is not _MAKER:
            raise TypeError("verified bytes are made by verify_file alone")
        self._source = source
        self.decision = decision
        self.model = model
        self.evidence = evidence
        if self._signed_sha256() is None:
            source.start_hashing()

    @property
    def view(self) -> memoryview:
        """The whole file, read-only."""
        return self._source.view

    def sha256(self) -> str:
        """The SHA-256 of the file in hexadecimal."""
        return self._signed_sha256() or self._source.sha256()

    def _signed_sha256(self) -> str | None:
        """The digest from the signature, where that is of the file as a whole and by SHA-256."""
        [first, *_] = self.model.files
        # A piece of a file has its range behind its name.
        return first.digest if first.algorithm == "sha256" and first.name in {SINGLE_FILE, self.model.name} else None

    def close(self) -> None:
        """Give the memory back, unless arrays still look into it."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class VerifiedFolder:
    """The files of a package that a policy accepted: ``files`` maps names to bytes, and holds nothing that was not signed.

    ``evidence`` is the signature with the claims that the decision rests on. ``verify_folder`` alone makes one.
    """

    def __init__(self, maker: object, taken: _Taken, decision: Decision, model: VerifiedModel, evidence: Evidence) -> None:
        if maker is not _MAKER:
            raise TypeError("verified folders are made by verify_folder alone")
        self._taken = taken
        self.files: Mapping[str, memoryview] = {name: taken.view(name) for name in sorted(taken.sources)}
        self.decision = decision
        self.model = model
        self.evidence = evidence

    def close(self) -> None:
        """Give the memory back, unless arrays still look into it."""
        self._taken.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Taken:
    """Files that were read into sealed memory on the way to being verified, by name; an empty one needs no memory."""

    def __init__(self, limits: Limits, only: str | None = None) -> None:
        self.sources: dict[str, SealedSource | None] = {}
        self._limits = limits
        self._only = only

    def take(self, file: OpenedFile) -> memoryview:
        """Read an opened file. What is hashed, and used later, is this memory and all of it."""
        name = file.name if self._only is None else self._only
        if file.size or self._only is not None:
            self.sources[name] = SealedSource(name, self._limits, descriptor=file.descriptor, hashing=False)
        else:
            self.sources[name] = None
        view = self.view(name)
        if len(view) != file.size:
            raise SourceChangedError(f"{name!r} changed while it was read", expected=f"{file.size} bytes", found=str(len(view)))
        return view

    def view(self, name: str) -> memoryview:
        source = self.sources[name]
        return memoryview(b"") if source is None else source.view

    def close(self) -> None:
        for source in self.sources.values():
            if source is not None:
                source.close()


def signature_beside(path: StrPath) -> Path:
    """Where the signature of a single file is looked for: ``model.dnn.sig`` beside ``model.dnn``."""
    return Path(f"{os.fspath(path)}.sig")


def claims_beside(path: StrPath) -> Path:
    """Where the claims about a single file are looked for: ``model.dnn.claims.jsonl`` beside ``model.dnn``."""
    return Path(f"{os.fspath(path)}.claims.jsonl")


def verify_file(
    path: StrPath, policy: Policy, *, signature: StrPath | None = None, role: str = SOURCE, limits: Limits = DEFAULT_LIMITS
) -> VerifiedFile:
    """Read a file, its signature and its claims, once each, and hold them against a policy.

    Raises ``PolicyError`` with the rule that refuses, ``IntegrityError`` for bytes that are not those that were signed,
    ``SourceError`` and ``UnsafePathError`` for what cannot be read, or can be changed by way of a second name.
    """
    shown = os.fspath(path)
    taken = _Taken(limits, only=shown)
    try:
        with _alarm(policy, shown, folder=False), OpenedRoot(path) as root:
            if root.is_folder:
                raise UnsafePathError(shown, "a folder, where one model file is expected")
            evidence = evidence_of(root, signature)
            model, decision = _accepted(root, evidence, policy, role, taken)
            [source] = taken.sources.values()
            assert source is not None
            return VerifiedFile(_MAKER, source, decision, model, evidence)
    except BaseException:
        taken.close()
        raise


def verify_folder(path: StrPath, policy: Policy, *, role: str = PACKAGE, limits: Limits = DEFAULT_LIMITS) -> VerifiedFolder:
    """Read a package with ``model.sig`` and ``claims.jsonl``, once, and hold it against a policy. Raises as ``verify_file``."""
    shown = os.fspath(path)
    taken = _Taken(limits)
    try:
        with _alarm(policy, shown, folder=True), OpenedRoot(path) as root:
            if not root.is_folder:
                raise UnsafePathError(shown, "a file, where the folder of a package is expected")
            evidence = evidence_of(root)
            model, decision = _accepted(root, evidence, policy, role, taken)
            return VerifiedFolder(_MAKER, taken, decision, model, evidence)
    except BaseException:
        taken.close()
        raise


def evidence_of(root: OpenedRoot, signature: StrPath | None = None) -> Evidence:
    """The signature and the claims of an opened model: inside a folder, beside a single file unless ``signature`` says where.

    Raises ``PolicyError`` for what stands in their places and is no such file.
    """
    if root.is_folder:
        return read_evidence(root)
    return Evidence(
        _read_beside(signature_beside(root.path) if signature is None else Path(signature), SIGNATURE, SIGNATURE_BYTES_AT_MOST),
        _read_beside(claims_beside(root.path), CLAIMS, CLAIMS_BYTES_AT_MOST),
    )


def _accepted(root: OpenedRoot, evidence: Evidence, policy: Policy, role: str, taken: _Taken) -> tuple[VerifiedModel, Decision]:
    model, decision = judge(root, evidence, policy, role, take=taken.take)
    decision.raise_if_refused()
    remember(policy, StatedVersion(decision.model, decision.version), decision.root_digest)
    return model, decision


def _read_beside(place: Path, rule: str, most: int) -> bytes | None:
    """A small file that belongs to a model, or ``None`` where there is none."""
    if not os.path.lexists(place):
        return None
    try:
        return read_small_file(place, what=rule, most=most)
    except InvalidOptionError as error:
        raise PolicyError(rule, str(error)) from error


@contextmanager
def _alarm(policy: Policy, shown: str, *, folder: bool) -> Iterator[None]:
    """Log what is refused, and alert those whom the policy names, before the error goes on."""
    try:
        yield
    except IntegrityError as error:
        file = str(Path(shown) / error.path) if folder else shown
        # A single file goes by "." in signatures; people are told what it is called.
        told = error if folder else IntegrityError(shown, expected=error.expected, computed=error.computed)
        digests = {"expected": error.expected, "computed": error.computed}
        incident = Incident.now(INTEGRITY, file, str(told), rule=INTEGRITY, policy_sha256=policy.sha256, **digests)
        _add_failures(told, raise_alarm(incident, policy.alerts))
        raise told from error.__cause__
    except (PolicyError, UnsafePathError, SourceChangedError) as error:
        rule = error.rule if isinstance(error, PolicyError) else ""
        incident = Incident.now(REFUSAL, shown, str(error), rule=rule, policy_sha256=policy.sha256)
        _add_failures(error, raise_alarm(incident, policy.alerts))
        raise


def _add_failures(error: BaseException, failures: tuple[str, ...]) -> None:
    for failure in failures:
        error.add_note(f"an alert failed: {failure}")
