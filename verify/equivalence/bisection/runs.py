"""The two runs behind a bisection: the network on its own inputs, and every layer on the reference's values before it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from verify.equivalence.backends import Array, BackendError
from verify.equivalence.bisection.graph import ConvertedGraph
from verify.equivalence.bisection.layers import GraphLayer, known_values, layers_of
from verify.equivalence.bisection.layout import as_fed
from verify.equivalence.bisection.reference_values import ReferenceValues
from verify.equivalence.bisection.running import run_part
from verify.equivalence.cases import GoldenCase
from verify.equivalence.feeding import feeds


class Runs:
    """``free`` and ``forced`` hold values of the graph by name; what the runtime refuses to compute is absent.

    ``given`` are the case's inputs, ``fed`` the reference's values, both as the graph takes them.
    """

    def __init__(self, graph: ConvertedGraph, case: GoldenCase, values: ReferenceValues) -> None:
        self.graph = graph
        self.layers = layers_of(graph, known_values(graph, values))
        self.given = feeds(case, graph.ports)

    @cached_property
    def lengths(self) -> list[str]:
        """The values that hold the lengths of sequences."""
        names = dict.fromkeys(layer.known.origin.lengths for layer in self.layers)
        return [name for name in names if name in self.graph.producers]

    @cached_property
    def free(self) -> dict[str, Array]:
        """What the network computes from its own inputs. Errors of all layers add up in it."""
        wanted = [*(layer.value for layer in self.layers), *self.lengths]
        try:
            return run_part(self.graph.part(range(len(self.graph.nodes)), self.given, wanted), self.graph.folder)
        except BackendError:
            # A faulty model may be none that runs as a whole; its layers are looked at one by one all the same.
            return {}

    @cached_property
    def fed(self) -> dict[str, Array]:
        """What every layer's readers are fed: the reference's values."""
        return {
            layer.value: as_fed(layer.known.reference, layer.known.origin, self.free.get(layer.value)) for layer in self.layers
        }

    @cached_property
    def forced(self) -> dict[str, Array]:
        """What every layer makes of the reference's values: all layers in one graph, or one by one where that does not run."""
        feeds = {**self.given, **self.fed}
        wanted = [*(layer.value for layer in self.layers), *self.lengths]
        needed = self.graph.before(wanted, feeds)
        try:
            return run_part(self.graph.part(needed, feeds, wanted), self.graph.folder)
        except BackendError:
            return self._one_by_one(wanted)

    def counts_right(self, layer: GraphLayer) -> bool:
        """Whether the sequences of a layer's result are as long as the reference's."""
        lengths, reference = self.forced.get(layer.known.origin.lengths), layer.known.reference
        if lengths is None or layer.known.origin.dynamic_rank < 2 or not isinstance(reference, list):
            return True
        return np.array_equal(lengths, [len(sequence) for sequence in reference])

    def _one_by_one(self, wanted: Sequence[str]) -> dict[str, Array]:
        """``BackendError`` where the runtime refuses every single one: that is no fault of a layer's."""
        feeds = {**self.given, **self.fed}
        made = dict[str, Array]()
        refused: BackendError | None = None
        for name in wanted:
            try:
                made |= run_part(self.graph.part(self.graph.before([name], feeds), feeds, [name]), self.graph.folder)
            except BackendError as error:
                refused = refused or error
        if refused is not None and not made and len(wanted) > 1:
            raise refused
        return made
