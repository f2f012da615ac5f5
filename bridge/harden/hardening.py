"""A converted package and labelled samples -> a hardened package, tested, signed, and naming its parent."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import InvalidOptionError
from bridge.harden.agreement import require_agreement, served
from bridge.harden.assembly import SAMPLES_COMPARED, SOURCE_KEY, Assembly
from bridge.harden.classifier import require_fit
from bridge.harden.correspondence import correspondence
from bridge.harden.methods import Subject, apply_method
from bridge.harden.options import HardenOptions, Training
from bridge.harden.parent import Parent, open_parent
from bridge.harden.report import HardeningReport
from bridge.harden.samples import Labelled, read_labelled, split
from bridge.harden.threads import one_thread
from bridge.harden.training import Progress, silent
from bridge.harden.twin import Twin, twin_of_graph, twin_of_source
from bridge.package.contents import ONNX_MODEL
from bridge.package.staged_folder import StagedFolder
from bridge.sealed import SealedSource
from bridge.targets.write_failures import explained
from verify.equivalence.backends.onnxruntime import OnnxRuntime
from verify.report.document import Report

if TYPE_CHECKING:
    from verify.robustness.document import RobustnessReport


@dataclass(frozen=True, slots=True)
class Hardened:
    """What was written. ``equivalence`` is of the new ONNX file beside its twin; ``robustness`` is there where it was tested."""

    path: Path
    root_sha256: str
    report: HardeningReport
    equivalence: Report
    robustness: RobustnessReport | None


def harden(package: Path, data: Path, destination: Path, options: HardenOptions, *, progress: Progress = silent) -> Hardened:
    """Harden the converted ``package`` with the samples in ``data`` into the new package ``destination``.

    Raises ``TrustError``, ``InvalidPackageError`` and ``RefusedModelError`` for a parent that may not be used, ``UsageError`` for
    samples and options that do not fit it, ``WriteError``; whatever stood at ``destination`` is then untouched. A model that
    withstands no more than its parent is written all the same: its report and its claims say so.
    """
    started = datetime.now(UTC)
    parent = open_parent(package, options.policy, allow_unsigned=options.allow_unsigned)
    labelled = read_labelled(data, parent.interface, options.input_name, options.output_name)
    options = replace(options, training=_in_range(labelled, options))
    subject = _subject(parent, labelled, options)
    before = require_fit(subject.classifier(), labelled.samples)
    subject = replace(subject, probabilities=before.probabilities)
    compared = subject.split.test.first(SAMPLES_COMPARED).feeds(subject.input_name)
    require_agreement(before.module, _engine(parent), compared, parent.interface.outputs)
    with one_thread(), StagedFolder(destination) as folder, explained(destination):
        trained = apply_method(options.method, subject, options.training, progress)
        assembly = Assembly(parent, subject, before, trained, options, data.name, labelled.sha256, started, progress)
        found = assembly.write(folder.path, destination.name)
        folder.put_in_place()
    return Hardened(destination, found.root_sha256, found.report, found.equivalence, found.robustness)


def _in_range(labelled: Labelled, options: HardenOptions) -> Training:
    training = options.training
    if options.find_range:
        low, high = labelled.value_range()
        training = replace(training, low=low, high=high)
    labelled.require_inside(training.low, training.high)
    return training


def _subject(parent: Parent, labelled: Labelled, options: HardenOptions) -> Subject:
    parts = split(labelled.samples, seed=options.training.seed)
    twin = _twin(parent, options)
    return Subject(twin, correspondence(twin.model, twin.names), labelled.input_name, labelled.output_name, parts)


def _twin(parent: Parent, options: HardenOptions) -> Twin:
    if options.source is None:
        return twin_of_graph(parent.graph(), parent.interface, parent.origin.name)
    with SealedSource(options.source) as source:
        stated = parent.interface.metadata.get(SOURCE_KEY)
        if source.sha256() != stated:
            raise InvalidOptionError(
                f"{options.source} has the SHA-256 {source.sha256()}; the package was converted from a file with {stated}"
            )
        return twin_of_source(source.view, parent.interface, parent.origin.name)


def _engine(parent: Parent) -> OnnxRuntime:
    """The parent as it is served, from the bytes that were admitted."""
    if not parent.admitted.external:
        return served(bytes(parent.admitted.model))
    # The engine takes weights beside a model from files alone: they are written out, and gone when it has read them.
    with tempfile.TemporaryDirectory(prefix="bridge-harden-") as folder:
        for name, data in {ONNX_MODEL: parent.admitted.model, **parent.admitted.external}.items():
            (Path(folder) / name).write_bytes(data)
        return served(Path(folder) / ONNX_MODEL)
