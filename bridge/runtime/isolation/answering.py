"""A worker's part of one request after the other: what it was asked, from which arrays, and where the answer goes.

Requests of the same shapes, for the same outputs, differ in their number alone. What is said about them is worked out once.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bridge.runtime.contract.binding import Remembered
from bridge.runtime.isolation.engine import StoppableRun
from bridge.runtime.isolation.frames import (
    SEQUENCE,
    SEQUENCE_AT,
    Answer,
    Placed,
    Request,
    Status,
    pack_answer,
    unnumbered,
    unpack_request,
)
from bridge.runtime.isolation.job import Job
from bridge.runtime.isolation.shared_memory import Array, aligned

_Shapes = tuple[tuple[np.dtype[Any], tuple[int, ...]], ...]


@dataclass(slots=True)
class _Known:
    """A request by its shapes. ``answer`` is the packet that was sent last, for arrays of ``shapes`` in ``places``."""

    outputs: tuple[int, ...]
    names: list[str]
    feeds: Mapping[str, Array]
    shapes: _Shapes = ()
    places: tuple[Array, ...] = ()
    answer: bytearray | None = None


class Answering:
    """Answers requests of the parent, which is trusted. ``features`` is the session of one output beside the model's, if any."""

    def __init__(
        self, job: Job, session: Any, features: Any | None, running: StoppableRun, inputs: mmap.mmap, outputs: mmap.mmap
    ) -> None:
        self._job: Final = job
        self._names: Final = job.outputs if job.features is None else (*job.outputs, job.features[0])
        self._session: Final = session
        self._features: Final = features
        self._running: Final = running
        self._inputs: Final = inputs
        self._outputs: Final = outputs
        self._known: Final[Remembered[_Known]] = Remembered()

    def answer(self, packet: memoryview) -> bytes | bytearray:
        """The packet that answers the request in ``packet``."""
        key = unnumbered(packet)
        (sequence,) = SEQUENCE.unpack_from(packet, SEQUENCE_AT)
        known = self._known.get(key)
        try:
            if known is None:
                known = self._asked(unpack_request(packet))
                self._known.keep(key, known)
            one_more = self._features is not None and known.outputs == (len(self._job.outputs),)
            found = self._running.run(self._features if one_more else self._session, sequence, known.names, known.feeds)
            return self._done(known, sequence, found)
        except Exception as error:  # noqa: BLE001  # Whatever the engine raises about a request, the parent is to hear of it.
            status = Status.STOPPED if self._running.stopped else Status.FAILED
            return pack_answer(Answer(status, sequence, text=f"{type(error).__name__}: {error}"))

    def _asked(self, request: Request) -> _Known:
        feeds = {
            self._job.inputs[item.index]: np.ndarray(item.shape, item.dtype, self._inputs, item.offset) for item in request.inputs
        }
        return _Known(request.outputs, [self._names[index] for index in request.outputs], feeds)

    def _done(self, known: _Known, sequence: int, arrays: Sequence[Array]) -> bytearray:
        shapes = tuple([(array.dtype, array.shape) for array in arrays])
        if known.answer is None or known.shapes != shapes:
            placed = _placed(known.outputs, arrays, len(self._outputs))
            known.places = tuple(_window(self._outputs, each) for each in placed)
            known.shapes = shapes
            known.answer = bytearray(pack_answer(Answer(Status.DONE, sequence, placed)))
        for place, array in zip(known.places, arrays, strict=True):
            np.copyto(place, array)
        SEQUENCE.pack_into(known.answer, SEQUENCE_AT, sequence)
        return known.answer


def _window(area: mmap.mmap, tensor: Placed) -> Array:
    if 0 in tensor.shape:
        return np.empty(tensor.shape, tensor.dtype)  # It has no place in memory.
    return np.ndarray(tensor.shape, tensor.dtype, area, tensor.offset)


def _placed(indices: Sequence[int], arrays: Sequence[Array], octets: int) -> tuple[Placed, ...]:
    placed: list[Placed] = []
    offset = 0
    for index, array in zip(indices, arrays, strict=True):
        if offset + array.nbytes > octets:
            raise ValueError(f"outputs of more than {octets} bytes, which the interface does not allow")
        placed.append(Placed(index, array.dtype, array.shape, offset))
        offset += aligned(array.nbytes)
    return tuple(placed)
