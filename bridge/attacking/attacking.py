"""One model attacked on one file of labelled samples."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.attacking.options import SMOKE_TEST, AttackOptions
from bridge.errors import InvalidOptionError, SourceError, UsageError
from verify.report.document import Model

if TYPE_CHECKING:
    import torch

    from bridge.attacking.served import Place, Served
    from verify.robustness.document import RobustnessReport

_ONNX_BYTES_AT_MOST = 2 << 30


@dataclass(frozen=True, slots=True)
class Attacked:
    """``report`` is what was found; ``root_sha256`` the digest of the signed package that it speaks of, empty without one."""

    report: RobustnessReport
    root_sha256: str


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is served, its twin, and all models that took part. ``same`` where the module is what is served."""

    served: Served
    module: torch.nn.Module
    models: tuple[Model, ...]
    same: bool = False


def attack(target: str | os.PathLike[str], data: str | os.PathLike[str], options: AttackOptions = SMOKE_TEST) -> RobustnessReport:
    """Attack ``target`` on the samples in ``data``, a ``.npz`` file with ``x`` and ``y``, or one in CNTK's text format.

    ``target`` is a package, an ``.onnx`` file, the folder of a PyTorch module, or a CNTK model, which is then converted to both
    forms. Raises ``UsageError`` for options or data that do not suit the model, and the errors of loading and converting; what
    the model does under attack is the report's to tell.
    """
    return attacked(Path(target), Path(data), options).report


def attacked(target: Path, data: Path, options: AttackOptions) -> Attacked:
    """As ``attack``, with the digest that a claim about the result speaks of."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise UsageError("attacks take PyTorch: pip install 'cntk-bridge[torch]'") from error
    from bridge.attacking.data import read_samples
    from bridge.attacking.trials import trials_of
    from verify.robustness.attacks.autoattack import require_library
    from verify.robustness.plan import PLANS, Tier
    from verify.robustness.testing import Options, Sides, run_robustness_test

    if options.tier not in set(Tier):
        raise InvalidOptionError(f"tier is {options.tier!r}; expected {', '.join(Tier)}")
    plan = PLANS[Tier(options.tier)]
    if plan.autoattack:
        require_library()
    subject = _subject(target, options)
    served = subject.served
    output = _scores(served.outputs, options.output)
    samples, digest = read_samples(data, served.inputs, output, options.input, options.limit, options.labels)
    sides = Sides(
        served.run,
        subject.module,
        output.name,
        same=subject.same,
        served_runtime=served.runtime,
        twin_runtime=f"PyTorch {_version()}",
        batch=served.batch,
    )
    chosen = Options(
        plan=plan,
        seed=options.seed,
        progress=options.progress,
        models=subject.models,
        data_sha256=digest,
        command=options.command,
    )
    trials = trials_of(samples, served.inputs[samples.name], options)
    return Attacked(run_robustness_test(sides, samples, trials, chosen), served.root_sha256)


def _subject(target: Path, options: AttackOptions) -> _Subject:
    from bridge.attacking.served import served_file, served_package
    from bridge.attacking.twin import load_twin
    from bridge.package.contents import TORCH_SOURCE

    if target.is_dir():
        if (target / TORCH_SOURCE).is_file():
            return _module_of(target, options)
        served = served_package(target, options)
    elif target.suffix.lower() == ".onnx":
        served = served_file(_read(target), target.name)
    else:
        return _converted(target)
    twin, model = load_twin(options, tuple(served.outputs))
    return _Subject(served, twin, (model, served.model))


def _module_of(folder: Path, options: AttackOptions) -> _Subject:
    """The folder of a PyTorch module as both sides, which leaves parity without an answer."""
    from bridge.attacking.served import served_module
    from bridge.attacking.torch_folder import open_torch

    opened = open_torch(folder, options)
    served = served_module(opened.module, opened.ports, folder.name, opened.root_sha256)
    return _Subject(served, opened.module, (served.model,), same=True)


def _converted(source: Path) -> _Subject:
    """A CNTK model in both forms, each converted by itself."""
    from bridge.attacking.served import served_file
    from bridge.attacking.twin import converted_twin
    from bridge.conversion import convert

    with tempfile.TemporaryDirectory(prefix="bridge-attack-") as scratch:
        file = Path(scratch) / "model.onnx"
        convert(source, file)
        served = served_file(_read(file), f"{source.name} as onnx")
    twin, model = converted_twin(source, tuple(served.outputs))
    return _Subject(served, twin, (model, served.model))


def _read(path: Path) -> bytes:
    """The bytes of an ONNX file, read once."""
    try:
        if path.stat().st_size > _ONNX_BYTES_AT_MOST:
            raise InvalidOptionError(f"{path}: more than {_ONNX_BYTES_AT_MOST} bytes, as no ONNX file has in one piece")
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error


def _scores(outputs: Mapping[str, Place], chosen: str) -> Place:
    """The output that is named, or the only one with a row of scores for each sample, or else for each step."""
    from bridge.attacking.data import gives_steps

    if chosen:
        if chosen not in outputs:
            raise InvalidOptionError(f"the model has no output {chosen!r}; it has {', '.join(sorted(outputs))}")
        return outputs[chosen]
    scores = [place for place in outputs.values() if len(place.shape) > 1 and place.dtype.kind == "f"]
    rows = [place for place in scores if not gives_steps(place)]
    if len(rows or scores) != 1:
        told = ", ".join(f"{name} {list(place.shape)}" for name, place in outputs.items())
        raise InvalidOptionError(f"which output holds the scores of classes, (samples, classes)? Name it with --output: {told}")
    return (rows or scores)[0]


def _version() -> str:
    import torch

    return str(torch.__version__)
