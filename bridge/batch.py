"""Several models converted in one go: what becomes of which, and where it is written.

One model's failure does not keep the others from being converted. Everything that is wrong with the call itself (two models
that would be written to the same place, a result that would overwrite a source) is found before the first model is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import BridgeError, UsageError

if TYPE_CHECKING:
    from bridge.conversion import ConversionResult
    from bridge.package.writing import Package, PackageOptions
    from bridge.trust.policy.model import Policy
    from verify.report.document import Report

MODEL_SUFFIXES = frozenset({".dnn", ".model", ".cmf"})
"""What a folder is searched for. A model that is named itself may be called anything."""


@dataclass(frozen=True, slots=True)
class Job:
    """One model, and the file that it is converted to."""

    source: Path
    destination: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What is the same for all models of a batch; see ``bridge.convert``."""

    outputs: Sequence[str] | None = None
    index_inputs: bool | Sequence[str] = False
    plain_math: bool = False
    golden: Path | None = None
    fold: bool = True
    target: str = "onnx"
    losses: Sequence[str] = ()
    package: PackageOptions | None = None
    policy: Policy | None = None
    signature: Path | None = None
    allow_unsigned: bool = False

    def stated(self) -> dict[str, Any]:
        """The options as a package's claim states them."""
        indexed = self.index_inputs if isinstance(self.index_inputs, bool) else list(self.index_inputs)
        stated = {"outputs": None if self.outputs is None else list(self.outputs), "indexInputs": indexed}
        stated |= {"plainMath": self.plain_math, "fold": self.fold}
        stated |= {"allowUnsigned": True} if self.allow_unsigned else {}
        return stated | ({"losses": list(self.losses)} if self.losses else {})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one model: a result, with a report where golden cases were given, or an error.

    ``package`` is there where the result is one.
    """

    job: Job
    result: ConversionResult | None = None
    report: Report | None = None
    error: BridgeError | None = None
    package: Package | None = None


def plan(
    models: Sequence[Path], output_path: Path | None, *, overwrite: bool, target: str = "onnx", packages: bool = False
) -> tuple[Job, ...]:
    """Where each model goes; ``UsageError`` where that cannot be.

    One model goes to the file ``output_path``; several, or those of a folder, go into the folder ``output_path`` under their
    own names, those of a folder at their own places in it. Without ``output_path`` that is the current folder. With the target
    ``torch``, and with ``packages``, each result is a folder.
    """
    folders = target == "torch" or packages
    suffix = "" if folders else ".onnx"
    found = [(source, relative) for model in models for source, relative in _sources(model)]
    single = len(models) == 1 and not models[0].is_dir()
    if single and output_path is not None and (folders or not output_path.is_dir()):
        jobs = [Job(found[0][0], output_path)]
    else:
        folder = output_path if output_path is not None else Path()
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; several models need a folder to go to")
        jobs = [Job(source, folder / relative.with_suffix(suffix)) for source, relative in found]
    _refuse_collisions(jobs, overwrite=overwrite, folders=folders)
    return tuple(jobs)


def convert_all(jobs: Sequence[Job], settings: Settings) -> Iterator[Outcome]:
    """Convert one model after the other; each outcome is handed out as soon as it is known."""
    for job in jobs:
        yield _convert(job, settings)


def _convert(job: Job, settings: Settings) -> Outcome:
    result = report = None
    try:
        _make_folder(job.destination.parent)
        if settings.package is not None:
            package = _packaged(job, settings, settings.package)
            return Outcome(job, package.result, package.report, package=package)
        result = _converted(job.source, job.destination, settings)
        if settings.golden is not None:
            report = _checked(job.destination, settings.golden, settings.target)
    except BridgeError as error:
        return Outcome(job, result, report, error)
    return Outcome(job, result, report)


def _converted(source: Path, destination: Path, settings: Settings) -> ConversionResult:
    from bridge.conversion import convert

    return convert(
        source,
        destination,
        outputs=settings.outputs,
        index_inputs=settings.index_inputs,
        plain_math=settings.plain_math,
        fold=settings.fold,
        target=settings.target,
        losses=settings.losses,
        policy=settings.policy,
        signature=settings.signature,
        allow_unsigned=settings.allow_unsigned,
    )


def _checked(converted: Path, golden: Path, target: str) -> Report:
    from bridge.checking import check_converted, check_converted_torch

    check = check_converted_torch if target == "torch" else check_converted
    return check(converted, golden)


def _packaged(job: Job, settings: Settings, options: PackageOptions) -> Package:
    from bridge.package.writing import write_package

    golden = settings.golden
    return write_package(
        job.source,
        job.destination,
        options,
        target=settings.target,
        conversion_options=settings.stated(),
        convert=lambda place: _converted(job.source, place, settings),
        check=None if golden is None else lambda place: _checked(place, golden, settings.target),
    )


def _sources(model: Path) -> list[tuple[Path, Path]]:
    """The model files that an argument stands for, each with its place below the output folder."""
    if not model.is_dir():
        return [(model, Path(model.name))]
    found = sorted(path for path in model.rglob("*") if path.suffix.lower() in MODEL_SUFFIXES and path.is_file())
    if not found:
        raise UsageError(
            f"{model} holds no model: expected files named {', '.join(f'*{suffix}' for suffix in sorted(MODEL_SUFFIXES))}"
        )
    return [(path, path.relative_to(model)) for path in found]


def _refuse_collisions(jobs: Sequence[Job], *, overwrite: bool, folders: bool) -> None:
    """Nothing is ever written over a source, over another result, or, unless ``overwrite``, over anything."""
    sources = {job.source.resolve() for job in jobs}
    taken: dict[Path, Path] = {}
    for job in jobs:
        place = job.destination.resolve()
        if place in sources:
            raise UsageError(
                f"{job.destination} is a model to be converted and would be overwritten; choose another --output-path"
            )
        if place in taken:
            raise UsageError(
                f"{taken[place]} and {job.source} would both be written to {job.destination}; convert them one at a time"
            )
        if job.destination.is_dir() and not folders:
            raise UsageError(f"{job.destination} is a folder; remove it or choose another --output-path")
        empty = job.destination.is_dir() and not any(job.destination.iterdir())
        if job.destination.exists() and not overwrite and not empty:
            raise UsageError(f"{job.destination} exists; give --force to overwrite it, or choose another --output-path")
        taken[place] = job.source


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from error
