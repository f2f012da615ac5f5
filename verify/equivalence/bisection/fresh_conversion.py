"""Values without the reference: what a fresh conversion of the source computes, with nothing folded.

That is no truth of CNTK's. It is the same converter, so that its faults are in both. What it finds is an ONNX file that was
damaged, edited by hand or "optimised" after it was converted, and where.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bridge.conversion import convert
from bridge.origins import Origin
from verify.equivalence.backends import Array
from verify.equivalence.bisection.graph import ConvertedGraph
from verify.equivalence.bisection.running import run_part
from verify.equivalence.cases import Batch, GoldenCase
from verify.equivalence.feeding import feeds


class FreshConversion:
    """Converts the CNTK model file ``source`` and runs it on the inputs of ``case``.

    ``outputs`` as in ``bridge.convert``. Raises what ``bridge.convert`` does, and ``BackendError`` where the result does not run.
    """

    def __init__(self, source: Path, case: GoldenCase, outputs: Sequence[str] | None = None) -> None:
        with tempfile.TemporaryDirectory(prefix="bridge-bisection-") as scratch:
            converted = convert(source, Path(scratch) / "model.onnx", outputs=outputs, fold=False)
            graph = ConvertedGraph(converted.destination)
            names = [origin.value for origin in graph.origins if origin.value in graph.producers]
            wanted = dict.fromkeys([*names, *(origin.lengths for origin in graph.origins if origin.lengths in graph.producers)])
            made = run_part(graph.part(range(len(graph.nodes)), feeds(case, graph.ports), list(wanted)), graph.folder)
        self._values = {
            uid: _batch(made[origin.value], origin, made.get(origin.lengths))
            for origin in graph.origins
            if origin.value in made
            for uid in origin.variables[:1]
        }

    def value(self, uid: str) -> Batch | None:
        """What the fresh conversion computed for a variable."""
        return self._values.get(uid)


def _batch(value: Array, origin: Origin, lengths: Array | None) -> Batch:
    if origin.dynamic_rank < 2 or lengths is None:
        return value
    # A value that is the same in every step may stand there once, for its readers to broadcast.
    steps = max(value.shape[1], int(lengths.max()))
    full = np.broadcast_to(value, (len(lengths), steps, *value.shape[2:]))
    return [row[: int(length)] for row, length in zip(full, lengths, strict=True)]
