"""Import onnx-ir and jsonschema without what they import up front, take seconds for, and hardly ever use.

onnx-ir computes with symbolic dimensions (``N + 1``) through sympy: 0.4 to 0.7 s of every process, for something that a
conversion does not do. jsonschema, where somebody has installed it with its optional checkers of formats, as Jupyter does, builds
a parser of internationalised addresses: 1.5 s and more, for formats that no schema of ours names. Here these imports find
stand-ins, which load the real modules when something is asked of them. They are taken away at once, so that whoever else imports
the real ones gets them.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

# The second is a module of onnx-ir that calls sympy while it is imported. A release of onnx-ir that has no such module
# does not ask for it, and merely loads sympy early.
_DEFERRED = ("sympy", "onnx_ir._symbolic_shapes")
_CHECKERS_OF_ADDRESSES = ("rfc3986_validator", "rfc3987_syntax")


class _StandIn(ModuleType):
    """A module that is imported when the first of its attributes is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # What the import system itself looks for.
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


class _FunctionsStandIn(ModuleType):
    """A module of functions, which is imported when the first of them is called: its names may be imported from it before."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:
            return getattr(importlib.import_module(self.__name__), name)(*arguments, **named)

        return call


def import_onnx_ir() -> None:
    """Import ``onnx_ir``, so that importing it afterwards costs nothing. Does nothing where it is imported already."""
    _import_with("onnx_ir", {name: _StandIn(name) for name in _DEFERRED})


def import_jsonschema() -> None:
    """Import ``jsonschema``, so that importing it afterwards costs nothing. Does nothing where it is imported already."""
    if "jsonschema" in sys.modules:
        return
    # Without its checker jsonschema does without a format, and a stand-in would make it promise that.
    installed = [name for name in _CHECKERS_OF_ADDRESSES if importlib.util.find_spec(name) is not None]
    _import_with("jsonschema", {name: _FunctionsStandIn(name) for name in installed})


def _import_with(module: str, deferred: Mapping[str, ModuleType]) -> None:
    if module in sys.modules:
        return
    stand_ins = {name: stand_in for name, stand_in in deferred.items() if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        importlib.import_module(module)
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
