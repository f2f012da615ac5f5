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
    from verify.robustness.samples import Samples
    from verify.robustness.threat import Threat

_ONNX_BYTES_AT_MOST = 2 << 30
_STANDARD_LINF = 8 / 255
"""The size that images are attacked with by custom, as a share of the range."""
_STANDARD_L2 = 0.5


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
    """Attack ``target`` on the samples in ``data``, a ``.npz`` file with ``x`` and ``y``.

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
    from verify.robustness.gates import Gates
    from verify.robustness.plan import PLANS, Tier
    from verify.robustness.testing import Options, Sides, run_robustness_test

    if options.tier not in set(Tier):
        raise InvalidOptionError(f"tier is {options.tier!r}; expected {', '.join(Tier)}")
    gates = Gates(options.floor, options.ceiling)
    subject = _subject(target, options)
    served = subject.served
    samples, digest = read_samples(data, served.inputs, options.input, options.limit)
    threat = _threat(samples, served.inputs[samples.name], options)
    sides = Sides(
        served.run,
        subject.module,
        options.output or _scores(served.outputs),
        same=subject.same,
        served_runtime=served.runtime,
        twin_runtime=f"PyTorch {_version()}",
        batch=served.batch,
    )
    chosen = Options(
        plan=PLANS[Tier(options.tier)],
        gates=gates,
        seed=options.seed,
        progress=options.progress,
        models=subject.models,
        data_sha256=digest,
        command=options.command,
    )
    return Attacked(run_robustness_test(sides, samples, threat, chosen), served.root_sha256)


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
    from bridge.attacking.torch_folder import torch_ports
    from bridge.package.torch_loading import load_torch

    module = load_torch(folder, allow_unsigned=options.allow_unsigned)
    served = served_module(module, torch_ports(folder), folder.name)
    return _Subject(served, module, (served.model,), same=True)


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


def _scores(outputs: Mapping[str, Place]) -> str:
    """The output that holds a row of scores for each sample, where there is one alone."""
    rows = [name for name, place in outputs.items() if len(place.shape) == 2 and place.dtype.kind == "f"]
    if len(rows) != 1:
        told = ", ".join(f"{name} {list(place.shape)}" for name, place in outputs.items())
        raise InvalidOptionError(f"which output holds the scores of classes, (samples, classes)? Name it with --output: {told}")
    return rows[0]


def _threat(samples: Samples, place: Place, options: AttackOptions) -> Threat:
    """The threat that the options ask for, with what the interface states and what is customary for the rest."""
    from verify.robustness.attacks.token_substitution import is_one_hot
    from verify.robustness.threat import Norm, Threat

    one_hot = is_one_hot(samples.x, samples.mask)
    if options.norm and options.norm not in set(Norm):
        raise InvalidOptionError(f"norm is {options.norm!r}; expected {', '.join(Norm)}")
    norm = Norm(options.norm) if options.norm else Norm.TOKENS if one_hot else Norm.LINF
    if norm is Norm.TOKENS:
        if not one_hot:
            raise InvalidOptionError(f"{samples.name}: not sequences of one-hot tokens, whose number --norm tokens bounds")
        return Threat(norm, 1.0 if options.epsilon is None else options.epsilon, 0.0, 1.0)
    low = place.low if options.low is None else options.low
    high = place.high if options.high is None else options.high
    if low is None or high is None:
        raise InvalidOptionError(
            f"the range of input {samples.name!r} is not stated in interface.json: give it with --range, as in --range 0 255"
        )
    _refuse_outside(samples, low, high)
    epsilon = options.epsilon
    if epsilon is None:
        epsilon = (_STANDARD_LINF if norm is Norm.LINF else _STANDARD_L2) * (high - low)
    return Threat(norm, epsilon, low, high)


def _refuse_outside(samples: Samples, low: float, high: float) -> None:
    """Samples outside the stated range mean that one of them is in other units, and epsilon with it."""
    least, greatest = float(samples.x.min()), float(samples.x.max())
    slack = 1e-5 * (high - low)
    if least < low - slack or greatest > high + slack:
        raise InvalidOptionError(
            f"{samples.name}: x holds values from {least:.6g} to {greatest:.6g}; the range is {low:.6g} to {high:.6g}"
        )


def _version() -> str:
    import torch

    return str(torch.__version__)
