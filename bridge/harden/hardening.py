"""A converted package and labelled samples -> a hardened package, tested, signed, and naming its parent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import InvalidOptionError
from bridge.harden.assembly import SAMPLES_COMPARED, Assembly
from bridge.harden.classifier import require_fit
from bridge.harden.methods import Subject, apply_method
from bridge.harden.options import HardenOptions, Training
from bridge.harden.parent import Parent, open_parent
from bridge.harden.parent_network import network_of
from bridge.harden.report import HardeningReport
from bridge.harden.samples import Labelled, are_tokens, read_labelled, split
from bridge.harden.threads import one_thread
from bridge.harden.training import Progress, silent
from bridge.package.staged_folder import StagedFolder
from bridge.targets.write_failures import explained
from verify.report.document import Report
from verify.robustness.threat import Norm

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
    with one_thread(), StagedFolder(destination) as folder, explained(destination):
        trained = apply_method(options.method, subject, options.training, progress)
        assembly = Assembly(parent, subject, before, trained, options, data.name, labelled.sha256, started, progress)
        found = assembly.write(folder.path, destination.name)
        folder.put_in_place()
    return Hardened(destination, found.root_sha256, found.report, found.equivalence, found.robustness)


def _in_range(labelled: Labelled, options: HardenOptions) -> Training:
    training, tokens = options.training, are_tokens(labelled.samples)
    if tokens != (training.norm is Norm.TOKENS):
        raise InvalidOptionError(
            "x is one-hot: no small step makes one token of another; say --norm tokens --eps 1, the number that may be replaced"
            if tokens
            else "x is not one-hot at every step, (samples, steps, tokens): --norm tokens is for what is"
        )
    if tokens:
        return replace(training, low=0.0, high=1.0)
    if options.find_range:
        low, high = labelled.value_range()
        training = replace(training, low=low, high=high)
    labelled.require_inside(training.low, training.high)
    return training


def _subject(parent: Parent, labelled: Labelled, options: HardenOptions) -> Subject:
    parts = split(labelled.samples, seed=options.training.seed)
    feeds = parts.test.first(SAMPLES_COMPARED).feeds(labelled.input_name)
    return Subject(network_of(parent, options.source, feeds), labelled.input_name, labelled.output_name, parts)
