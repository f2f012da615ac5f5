"""Python and the libraries: installed, importable, and which version."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from bridge.diagnosis.finding import Finding, State
from bridge.version import __version__

_OLDEST_PYTHON = (3, 11)

# Distribution, module, the extra that brings it ("" for what the core needs).
_PACKAGES = (
    ("numpy", "numpy", ""),
    ("onnx", "onnx", ""),
    ("onnx-ir", "onnx_ir", ""),
    ("onnxruntime", "onnxruntime", ""),
    ("cryptography", "cryptography", ""),
    ("jsonschema", "jsonschema", ""),
    ("pyyaml", "yaml", ""),
    ("typer", "typer", ""),
    ("rich", "rich", ""),
    ("torch", "torch", "torch"),
    ("safetensors", "safetensors", "torch"),
    ("blake3", "blake3", "blake3"),
    ("python-pkcs11", "pkcs11", "hsm"),
)
# Distributions that bring the same module in its place.
_INSTEAD = {"onnxruntime": ("onnxruntime-gpu",)}


def examine_packages() -> Iterator[Finding]:
    """Python, this project, and each library that it can use."""
    new_enough = sys.version_info >= _OLDEST_PYTHON
    yield Finding(
        "python",
        "Python",
        State.WORKS if new_enough else State.BROKEN,
        f"{platform.python_version()}, {platform.platform()}",
        "" if new_enough else "install Python 3.11 or newer",
        required=True,
    )
    yield Finding("python", "cntk-bridge", State.WORKS, __version__, required=True)
    for distribution, module, extra in _PACKAGES:
        yield _package(distribution, module, extra)


def _package(distribution: str, module: str, extra: str) -> Finding:
    required = not extra
    advice = f"pip install {distribution}" if required else f"pip install 'cntk-bridge[{extra}]' if you need it"
    found = _version(distribution)
    if found is None:
        return Finding("packages", distribution, State.MISSING, "not installed", advice, required)
    try:
        if module == "onnx_ir":
            from bridge.light_import import import_onnx_ir

            import_onnx_ir()
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - a library that fails to load can raise anything
        return Finding(
            "packages", distribution, State.BROKEN, f"{found}, but importing it fails: {_short(error)}", advice, required
        )
    return Finding("packages", distribution, State.WORKS, found, required=required)


def _version(distribution: str) -> str | None:
    for name in (distribution, *_INSTEAD.get(distribution, ())):
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        return found if name == distribution else f"{found} ({name})"
    return None


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200] if lines else ''}"
