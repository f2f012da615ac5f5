"""The backends by name: what each runs, whether it is there on this machine, and how to start it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bridge.errors import InvalidOptionError
from verify.equivalence.backends.interface import Backend, RuntimeOptions

DEFAULTS = ("onnxruntime-cpu", "pytorch-cpu")
"""What a model is checked on where nothing else is asked for: the first of these that runs it."""
ALL = "all"
"""Stands for every backend that is available and runs the converted model."""
CNTK = "cntk"
"""The real CNTK on the source, which takes seconds for each case: only where it is named."""


class Form(enum.StrEnum):
    """What a backend runs."""

    ONNX = "onnx"  # an ONNX file
    TORCH = "torch"  # the folder of a PyTorch module
    SOURCE = "source"  # the CNTK model that a case was recorded from


@dataclass(frozen=True, slots=True)
class BackendKind:
    """A backend that there is on some machine. ``unavailable`` says why not on this one; empty where it is.

    ``start`` is ``None`` for CNTK, which is asked case by case.
    """

    name: str
    form: Form
    summary: str
    unavailable: Callable[[], str]
    start: Callable[[Path, RuntimeOptions], Backend] | None


def backend_kinds() -> tuple[BackendKind, ...]:
    """All of them, and every further execution provider that this onnxruntime was built with."""
    return (*_KINDS, *_further_providers())


def choose_kinds(names: Sequence[str], forms: Sequence[Form]) -> tuple[BackendKind, ...]:
    """The kinds that ``names`` stand for, of those that run one of ``forms``; no names mean the default.

    ``InvalidOptionError`` for a name that is none, for a backend that is not available, and where none is left.
    """
    kinds = {kind.name: kind for kind in backend_kinds()} if names else {kind.name: kind for kind in _KINDS}
    usable = {name: kind for name, kind in kinds.items() if kind.form in forms}
    if not names:
        return (next(usable[name] for name in DEFAULTS if name in usable),)
    chosen: dict[str, BackendKind] = {}
    for name in names:
        if name == ALL:
            chosen |= {name: kind for name, kind in usable.items() if name != CNTK and not kind.unavailable()}
            continue
        if name not in kinds:
            raise InvalidOptionError(f"no backend {name!r}: expected {ALL} or one of {', '.join(kinds)}")
        if name not in usable:
            raise InvalidOptionError(
                f"backend {name!r} runs {kinds[name].form.value} models, and this is one of {_listed(forms)}"
            )
        if reason := kinds[name].unavailable():
            raise InvalidOptionError(f"backend {name!r} is not available: {reason}")
        chosen[name] = kinds[name]
    return tuple(chosen.values())


def _listed(forms: Sequence[Form]) -> str:
    return ", ".join(form.value for form in forms)


def _start_onnxruntime(
    provider: str, provider_options: Mapping[str, str], name: str
) -> Callable[[Path, RuntimeOptions], Backend]:
    def start(path: Path, options: RuntimeOptions) -> Backend:
        from verify.equivalence.backends.onnxruntime import OnnxRuntime

        return OnnxRuntime(path, provider=provider, provider_options=provider_options, options=options, name=name)

    return start


def _start_pytorch(device: str, *, tf32: bool = False) -> Callable[[Path, RuntimeOptions], Backend]:
    def start(path: Path, options: RuntimeOptions) -> Backend:
        from verify.equivalence.backends.pytorch import PyTorch

        return PyTorch(path, device=device, tf32=tf32, options=options)

    return start


def _start_reference(path: Path, options: RuntimeOptions) -> Backend:
    from verify.equivalence.backends.onnx_reference import OnnxReference

    del options  # numpy has no such choices.
    return OnnxReference(path)


def _always() -> str:
    return ""


def _without_provider(provider: str) -> Callable[[], str]:
    def unavailable() -> str:
        import onnxruntime

        found = onnxruntime.get_available_providers()
        return "" if provider in found else f"this onnxruntime has no {provider}; it has {', '.join(found)}"

    return unavailable


def _without_torch() -> str:
    missing = [name for name in ("torch", "safetensors") if find_spec(name) is None]
    return f"{' and '.join(missing)} not installed: pip install 'cntk-bridge[torch]'" if missing else ""


def _without_cuda() -> str:
    if reason := _without_torch():
        return reason
    from verify.equivalence.backends.pytorch import cuda_unavailable

    return cuda_unavailable()


def _without_cntk() -> str:
    from bridge.errors import ReferenceEngineError
    from bridge.reference.environment import default_root, external_from_variables, installed_environment

    try:
        found = installed_environment(default_root()) or external_from_variables()
    except ReferenceEngineError as error:
        return str(error)
    return "" if found is not None else "CNTK 2.7 is not installed: bridge reference install"


def _further_providers() -> tuple[BackendKind, ...]:
    """Providers beside CPU and CUDA. Azure's is none here: it sends the inputs to a service, and nothing leaves this machine."""
    import onnxruntime

    from verify.equivalence.backends.onnxruntime import CPU, CUDA, backend_name

    others = [name for name in onnxruntime.get_available_providers() if name not in {CPU, CUDA, "AzureExecutionProvider"}]
    return tuple(
        BackendKind(
            backend_name(name), Form.ONNX, f"onnxruntime with {name}", _always, _start_onnxruntime(name, {}, backend_name(name))
        )
        for name in others
    )


_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_KINDS = (
    BackendKind(
        "onnxruntime-cpu",
        Form.ONNX,
        "onnxruntime on the CPU",
        _always,
        _start_onnxruntime(_CPU, {}, "onnxruntime-cpu"),
    ),
    BackendKind(
        "onnx-reference",
        Form.ONNX,
        "onnx's evaluator in numpy, node by node",
        _always,
        _start_reference,
    ),
    BackendKind(
        "pytorch-cpu",
        Form.TORCH,
        "PyTorch on the CPU",
        _without_torch,
        _start_pytorch("cpu"),
    ),
    BackendKind(
        "onnxruntime-cuda",
        Form.ONNX,
        "onnxruntime on the first GPU, products in full float32",
        _without_provider(_CUDA),
        _start_onnxruntime(_CUDA, {"use_tf32": "0"}, "onnxruntime-cuda"),
    ),
    BackendKind(
        "onnxruntime-cuda-tf32",
        Form.ONNX,
        "onnxruntime on the first GPU, products in TF32",
        _without_provider(_CUDA),
        _start_onnxruntime(_CUDA, {"use_tf32": "1"}, "onnxruntime-cuda-tf32"),
    ),
    BackendKind(
        "pytorch-cuda",
        Form.TORCH,
        "PyTorch on the first GPU, products in full float32",
        _without_cuda,
        _start_pytorch("cuda"),
    ),
    BackendKind(
        "pytorch-cuda-tf32",
        Form.TORCH,
        "PyTorch on the first GPU, products in TF32",
        _without_cuda,
        _start_pytorch("cuda", tf32=True),
    ),
    BackendKind(
        CNTK,
        Form.SOURCE,
        "the real CNTK 2.7 on the source; has to be named, 'all' leaves it out",
        _without_cntk,
        None,
    ),
)
