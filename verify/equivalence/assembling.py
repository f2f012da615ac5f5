"""A report around the cases: where it ran, with which libraries, on which models and inputs."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bridge.version import __version__
from verify.equivalence.cases import GoldenCase
from verify.report.document import Backend, Case, Environment, Input, Model, Report, Tool

_ARITHMETIC = ("numpy", "onnx", "onnx-ir", "onnxruntime", "onnxruntime-gpu", "torch")
"""The libraries whose arithmetic counts, by the names of their distributions."""


def assemble(
    cases: Iterable[Case],
    *,
    command: str = "",
    models: Sequence[Model] = (),
    inputs: Sequence[GoldenCase] = (),
    backends: Sequence[Backend] = (),
) -> Report:
    """A report of now and here. Models and backends that appear several times are listed once."""
    return Report(
        tool=Tool("cntk-bridge", __version__),
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        environment=environment(),
        command=command,
        models=tuple(dict.fromkeys(models)),
        inputs=tuple(Input(case.name, case.tensors_sha256, case.description.model_sha256) for case in inputs),
        backends=tuple({(item.name, *sorted(item.options.items())): item for item in backends}.values()),
        cases=tuple(cases),
    )


def environment() -> Environment:
    """Python, the system, the processor and the versions of the libraries that compute."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=f"{_processor()}, {os.cpu_count()} logical",
        packages={name: found for name in _ARITHMETIC if (found := _installed(name))},
    )


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """The processor's own name for itself, where the system tells it."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith(("model name", "Model\t")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
