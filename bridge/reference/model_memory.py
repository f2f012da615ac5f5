"""A model for the engine: read once, looked through by our own reader, handed over as sealed memory.

CNTK imports Python code and loads libraries that a model with user-defined functions names, so such a model never gets there.
The descriptor that the engine's process inherits holds the very bytes that were looked through.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from types import TracebackType
from typing import Self

from bridge.errors import ReferenceEngineError, UserCodeError
from bridge.graph.model import Model
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.sealed import SealedSource
from bridge.source import read_model

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_WRITTEN_AT_ONCE = 8 << 20


class ModelMemory:
    """``descriptor`` of a sealed memory file, its ``sha256``, and the ``model`` as our reader sees it.

    Raises what the reader raises for files that are no models, and ``UserCodeError`` for models that hold user-defined functions.
    """

    def __init__(self, source: bytes | str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> None:
        self._source: SealedSource | None = None
        if isinstance(source, bytes):
            self.view = memoryview(source)
            self.sha256 = hashlib.sha256(source).hexdigest()
        else:
            self._source = SealedSource(source, limits)
            self.view = self._source.view
            self.sha256 = self._source.sha256()
        try:
            self.model = read_model(self.view, limits)
            _refuse_user_code(self.model)
            self.descriptor = _sealed(self.view)
        except BaseException:
            self._release()
            raise

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.descriptor)
        self._release()

    def _release(self) -> None:
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _refuse_user_code(model: Model) -> None:
    named = [
        f"{function.uid} ({function.user_code.op_name} of {function.user_code.module}: {function.user_code.symbol})"
        for function in model.user_functions
        if function.user_code is not None
    ]
    if named:
        raise UserCodeError(named)


def _sealed(view: memoryview) -> int:
    try:
        descriptor = os.memfd_create("bridge-reference-model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError as error:
        raise ReferenceEngineError(
            f"the system gives no memory file for the model: {error.strerror}; allow memfd_create in the sandbox around this"
        ) from error
    try:
        for start in range(0, len(view), _WRITTEN_AT_ONCE):
            piece = view[start : start + _WRITTEN_AT_ONCE]
            while piece:
                piece = piece[os.write(descriptor, piece) :]
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except OSError as error:
        os.close(descriptor)
        raise ReferenceEngineError(f"the model does not fit into memory a second time: {error.strerror}") from error
    return descriptor
