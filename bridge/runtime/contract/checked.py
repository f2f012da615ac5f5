"""A model in another process with the contract in front of it: what is not as the interface says never leaves this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bridge.runtime.contract.inputs import InputContract
from bridge.runtime.contract.outputs import OutputContract
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.served import Array, ModelIdentity, ModelInterface, ServedModel


class CountedModel(ServedModel, Protocol):
    """A served model that counts."""

    def counters(self) -> Mapping[str, int]:
        """Counts that only grow, by name."""
        ...


class CheckedModel:
    """``model`` with its inputs and outputs checked here; it runs in a process that is not trusted with that."""

    def __init__(self, model: CountedModel, limits: RuntimeLimits) -> None:
        self.model = model
        interface = model.interface
        self._inputs = InputContract(interface, limits.input_bytes)
        self._outputs = OutputContract(interface, limits.output_bytes, finite=limits.finite_outputs)

    @property
    def interface(self) -> ModelInterface:
        """The signed interface."""
        return self.model.interface

    @property
    def identity(self) -> ModelIdentity:
        """Which model answers, and the level of its sandbox."""
        return self.model.identity

    def run(
        self, inputs: Mapping[str, Array], *, timeout: float | None = None, outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """See ``ServedModel.run``."""
        names = self._outputs.wanted(outputs)
        feeds, binding = self._inputs.check(inputs)
        found = self.model.run(feeds, timeout=timeout, outputs=names)
        return self._outputs.check(names, [found[name] for name in names], binding)

    def counters(self) -> Mapping[str, int]:
        """What became of the calls that got as far as the workers, and of the workers."""
        return self.model.counters()

    def close(self) -> None:
        """End the workers."""
        self.model.close()
