"""Import onnx-ir without sympy, which takes longer to import than all the rest of a conversion together.

onnx-ir computes with symbolic dimensions (``N + 1``) through sympy and imports it up front: 0.4 to 0.7 s of every process, for
something that a conversion does not do. Here its import finds stand-ins, which load the real modules when something is asked
of them. They are taken away at once, so that whoever else imports sympy gets sympy.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

# The second is a module of onnx-ir that calls sympy while it is imported. A release of onnx-ir that has no such module
# does not ask for it, and merely loads sympy early.
_DEFERRED = ("sympy", "onnx_ir._symbolic_shapes")


class _StandIn(ModuleType):
    """A module that is imported when the first of its attributes is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # What the import system itself looks for.
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


def import_onnx_ir() -> None:
    """Import ``onnx_ir``, so that importing it afterwards costs nothing. Does nothing where it is imported already."""
    if "onnx_ir" in sys.modules:
        return
    stand_ins = {name: _StandIn(name) for name in _DEFERRED if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        importlib.import_module("onnx_ir")
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
