"""cntk-bridge: trained CNTK models out of CNTK, with proof.

``import bridge`` is light: what a name needs is imported when the name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bridge.errors import BridgeError
from bridge.version import __version__

if TYPE_CHECKING:
    from bridge.conversion import ConversionResult, convert
    from bridge.package.torch_loading import load_torch
    from bridge.runtime.loading import load
    from bridge.trust.signature_files import sign, verify

__all__ = ["BridgeError", "ConversionResult", "__version__", "convert", "load", "load_torch", "sign", "verify"]

_HOMES = {
    "convert": "bridge.conversion",
    "ConversionResult": "bridge.conversion",
    "load": "bridge.runtime.loading",
    "load_torch": "bridge.package.torch_loading",
    "sign": "bridge.trust.signature_files",
    "verify": "bridge.trust.signature_files",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'bridge' has no attribute {name!r}")
