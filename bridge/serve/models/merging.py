"""Several requests as one call of the model, and its answer shared out again.

Requests go together along the axis of the batch. Sequences of different lengths are padded to the longest, and the model is told
each one's true length, so that every answer is what the request alone would have had. That is only done for symbols whose
lengths the model takes as an input; extents of all other symbols have to be equal.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bridge.package.interface import Interface, Tensor
from bridge.runtime.served import Array
from bridge.serve.models.job import Job, Outputs

WASTE_AT_MOST: Final = 2.0  # elements with padding, over those without


@dataclass(frozen=True, slots=True)
class Shaped:
    """What a request's shapes say: see :class:`Job` for the members."""

    key: Hashable
    rows: int
    extents: dict[str, int]


class Merger:
    """Merges requests of one model, as its signed interface allows."""

    def __init__(self, interface: Interface) -> None:
        self._inputs: Final = {tensor.name: tensor for tensor in interface.inputs}
        self._outputs: Final = {tensor.name: tensor for tensor in interface.outputs}
        self._batch: Final = _batch_symbol(interface)
        self._carriers: Final = _carriers(interface) if self._batch else {}
        self.rows_at_most: Final = interface.symbols[self._batch].maximum if self._batch else 1

    @property
    def possible(self) -> bool:
        """Whether requests to this model can go together at all."""
        return bool(self._batch)

    def shaped(self, inputs: Mapping[str, Array], outputs: Sequence[str], binding: Mapping[str, int]) -> Shaped:
        """Which requests these inputs can go with. ``binding`` are the extents of their symbols, as the contract found them.

        Every request was held against the interface before: merged, one's lengths could hide behind another's padding.
        """
        described = [
            (name, self._fixed(self._inputs[name], array))
            for name, array in inputs.items()
            # Lengths that one request gives and another leaves out are made up for that one.
            if self._inputs[name].lengths_of not in self._carriers
        ]
        padded = {symbol: binding[symbol] for symbol in self._carriers if symbol in binding}
        return Shaped((tuple(sorted(described)), tuple(outputs)), binding.get(self._batch, 1), padded)

    def fits(self, jobs: Sequence[Job], job: Job) -> bool:
        """Whether padding ``jobs`` and ``job`` to one length costs less than :data:`WASTE_AT_MOST` times as much."""
        for symbol in job.extents:
            longest = max(job.extents[symbol], *(other.extents[symbol] for other in jobs))
            steps = job.rows * job.extents[symbol] + sum(other.rows * other.extents[symbol] for other in jobs)
            if longest * (job.rows + sum(other.rows for other in jobs)) > WASTE_AT_MOST * steps:
                return False
        return True

    def merge(self, jobs: Sequence[Job]) -> dict[str, Array]:
        """The inputs of all ``jobs``, which share one key, as those of one call."""
        longest = {symbol: max(job.extents[symbol] for job in jobs) for symbol in jobs[0].extents}
        merged: dict[str, Array] = {}
        for name in jobs[0].inputs:
            tensor = self._inputs[name]
            if tensor.lengths_of not in self._carriers:
                merged[name] = _joined(tensor, [job.inputs[name] for job in jobs], longest)
        for symbol, carrier in self._carriers.items():
            ragged = len({job.extents.get(symbol) for job in jobs}) > 1
            if symbol in longest and (ragged or any(carrier in job.inputs for job in jobs)):
                merged[carrier] = np.concatenate([self._lengths(job, symbol, carrier) for job in jobs])
        return merged

    def share_out(self, jobs: Sequence[Job], answer: Outputs) -> list[Outputs]:
        """The part of ``answer`` that belongs to each of ``jobs``, without padding."""
        parts: list[Outputs] = []
        begin = 0
        for job in jobs:
            rows = slice(begin, begin + job.rows)
            begin += job.rows
            parts.append({name: array[self._own(name, rows, job)] for name, array in answer.items()})
        return parts

    def _fixed(self, tensor: Tensor, array: Array) -> tuple[int | None, ...]:
        free: set[int | str] = {self._batch, *self._carriers}
        return tuple(None if symbol in free else extent for symbol, extent in zip(tensor.shape, array.shape, strict=True))

    def _lengths(self, job: Job, symbol: str, carrier: str) -> Array:
        given = job.inputs.get(carrier)
        return given if given is not None else np.full(job.rows, job.extents[symbol], self._inputs[carrier].dtype)

    def _own(self, name: str, rows: slice, job: Job) -> tuple[slice, ...]:
        symbols = self._outputs[name].shape[1:]
        return rows, *(slice(job.extents[symbol]) if symbol in job.extents else slice(None) for symbol in symbols)


def _batch_symbol(interface: Interface) -> str:
    """The symbol that every input and output begins with, and that stands nowhere else; empty if there is none."""
    tensors = (*interface.inputs, *interface.outputs)
    first = tensors[0].shape[0] if tensors[0].shape else ""
    alone = all(tensor.shape and tensor.shape[0] == first and first not in tensor.shape[1:] for tensor in tensors)
    is_batch = isinstance(first, str) and first in interface.symbols and interface.symbols[first].meaning == "batch"
    return str(first) if is_batch and alone else ""


def _carriers(interface: Interface) -> dict[str, str]:
    """By symbol, the input that holds true lengths; empty where an output has an extent that no input tells."""
    known = {extent for tensor in interface.inputs for extent in tensor.shape}
    if any(isinstance(extent, str) and extent not in known for tensor in interface.outputs for extent in tensor.shape):
        return {}
    carriers = {tensor.lengths_of: tensor.name for tensor in interface.inputs if tensor.lengths_of and len(tensor.shape) == 1}
    # Whoever has the symbol has to be told its lengths, or else padding would be taken for values.
    told = {
        symbol: all(tensor.lengths == name for tensor in interface.inputs if symbol in tensor.shape)
        for symbol, name in carriers.items()
    }
    return {symbol: name for symbol, name in carriers.items() if told[symbol]}


def _joined(tensor: Tensor, arrays: list[Array], longest: Mapping[str, int]) -> Array:
    extents = [longest.get(symbol) if isinstance(symbol, str) else None for symbol in tensor.shape]
    if all(extent is None or all(array.shape[axis] == extent for array in arrays) for axis, extent in enumerate(extents)):
        return np.concatenate(arrays)
    rows = sum(array.shape[0] for array in arrays)
    shape = [rows, *(extent or arrays[0].shape[axis] for axis, extent in enumerate(extents[1:], 1))]
    merged = np.full(shape, _padding(tensor), arrays[0].dtype)
    begin = 0
    for array in arrays:
        merged[(slice(begin, begin + array.shape[0]), *map(slice, array.shape[1:]))] = array
        begin += array.shape[0]
    return merged


def _padding(tensor: Tensor) -> float:
    """Zero, or what is nearest to it in the range that the interface allows."""
    low = -math.inf if tensor.minimum is None else tensor.minimum
    high = math.inf if tensor.maximum is None else tensor.maximum
    return min(max(0.0, low), high)
