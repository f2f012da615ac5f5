"""A served model whose engine runs in sandboxed processes of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.errors import (
    BridgeError,
    DeadlineExceeded,
    InvalidInputError,
    InvalidOptionError,
    ModelFailedError,
    OverloadedError,
    UsageError,
)
from bridge.package.interface import Interface
from bridge.runtime.contract.inputs import InputContract
from bridge.runtime.contract.outputs import OutputContract
from bridge.runtime.features import Cut
from bridge.runtime.isolation.counters import Counters
from bridge.runtime.isolation.fork_server import ForkServer, shared_fork_server
from bridge.runtime.isolation.frames import ProtocolError
from bridge.runtime.isolation.job import Job
from bridge.runtime.isolation.layout import Layout
from bridge.runtime.isolation.limits import DEFAULT_ISOLATION_LIMITS, IsolationLimits
from bridge.runtime.isolation.pool import WorkerPool
from bridge.runtime.isolation.providers import address_space_can_be_limited, provider_options
from bridge.runtime.isolation.shared_memory import sealed_copy
from bridge.runtime.isolation.worker import StillRunningError, Template, Worker, WorkerLostError
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.served import Array, ModelIdentity
from bridge.runtime.warm_up import smallest_inputs

_ATTEMPTS = 2


class IsolatedModel:
    """A ``ServedModel`` in workers. ``model`` and ``external`` are verified and admitted bytes; they are copied and sealed.

    ``external`` has the content of the files beside the model by the names that the model calls them. A request whose worker is
    lost (it crashed, somebody killed it, it departed from the protocol) is asked once more of another one: inference changes
    nothing, so asking twice is safe. One that loses two workers fails. Raises ``PolicyError`` for a sandbox below the minimum,
    ``ModelFailedError`` and ``DeadlineExceeded`` for a model that does not load.
    """

    def __init__(
        self,
        model: memoryview,
        external: Mapping[str, memoryview],
        interface: Interface,
        identity: ModelIdentity,
        limits: RuntimeLimits = DEFAULT_RUNTIME_LIMITS,
        isolation: IsolationLimits = DEFAULT_ISOLATION_LIMITS,
        *,
        server: ForkServer | None = None,
        features: Cut | None = None,
    ) -> None:
        """``features`` is where workers cut another model off theirs, for a guard that looks at what it computes."""
        self.interface = interface
        self._features = features
        self._counters = Counters()
        self._seconds = interface.limits.seconds if limits.run_seconds is None else limits.run_seconds
        self._inputs = InputContract(interface, limits.input_bytes)
        self._outputs = OutputContract(interface, limits.output_bytes, finite=limits.finite_outputs)
        sizes = {"input_bytes": self._inputs.input_bytes, "output_bytes": self._outputs.output_bytes}
        self._layout = Layout(interface, **sizes, features=features is not None)
        self._memory: list[int] = []
        try:
            template = self._template(model, external, limits, isolation, server or shared_fork_server())
            self._pool = WorkerPool(lambda: Worker(template), isolation, limits.waiting_runs, self._counters)
        except BaseException:
            self._close_memory()
            raise
        self.sandbox = self._pool.sandbox()
        self.identity = replace(identity, sandbox=self.sandbox.name)

    def run(
        self, inputs: Mapping[str, Array], *, timeout: float | None = None, outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """The outputs, all or those named, within ``timeout`` seconds; see ``ServedModel.run``.

        ``DeadlineExceeded`` comes at the deadline, whatever the model does.
        """
        seconds = self._seconds if timeout is None else timeout
        if not seconds > 0:
            raise InvalidOptionError(f"a timeout of {seconds} s: expected more than 0")
        deadline = time.monotonic() + seconds
        self._counters.add("requests")
        outcome = "failed"
        try:
            answer = self._run(inputs, outputs, deadline)
            outcome = "answered"
        except StillRunningError:
            outcome = "late"
            raise DeadlineExceeded(seconds) from None
        except BridgeError as error:
            outcome = _outcome(error)
            raise
        finally:
            self._counters.add(outcome)
        return answer

    def features(self, inputs: Mapping[str, Array], *, timeout: float) -> Array:
        """What the model computes before its last layer, of inputs that were held against the interface. See ``run``.

        It is no request of its own: the counters tell of workers that are lost over it alone.
        """
        if self._features is None:
            raise ModelFailedError("the model was loaded without its features")
        try:
            deadline = time.monotonic() + timeout
            return self._asked(self._layout.numbered_inputs(inputs), (self._layout.features,), deadline)[0]
        except StillRunningError:
            raise DeadlineExceeded(timeout) from None

    def counters(self) -> Mapping[str, int]:
        """What became of all requests and workers so far; see ``bridge.runtime.isolation.counters``."""
        return self._counters.snapshot()

    def processes(self) -> tuple[int, ...]:
        """The process numbers of the workers, for those who watch them."""
        return self._pool.processes()

    def close(self) -> None:
        """Kill the workers and give all memory back. Closing twice is nothing."""
        self._pool.close()
        self._close_memory()

    def _run(self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, deadline: float) -> dict[str, Array]:
        names = self._outputs.wanted(outputs)
        feeds, binding = self._inputs.check(inputs)
        arrays = self._asked(self._layout.numbered_inputs(feeds), self._layout.numbered_outputs(names), deadline)
        return self._outputs.check(names, arrays, binding)

    def _asked(self, inputs: Sequence[tuple[int, Array]], wanted: tuple[int, ...], deadline: float) -> list[Array]:
        """The answer of a worker, or of a second one where the first is lost."""
        for attempt in range(1, _ATTEMPTS + 1):
            worker = self._pool.take(deadline)
            try:
                return self._ask(worker, inputs, wanted, deadline)
            except (WorkerLostError, ProtocolError) as error:
                if attempt == _ATTEMPTS:
                    raise ModelFailedError(f"{_ATTEMPTS} workers were lost over this request; the last: {error}") from error
                self._counters.add("retries")
        raise AssertionError("the loop returns or raises")

    def _ask(self, worker: Worker, inputs: Sequence[tuple[int, Array]], wanted: tuple[int, ...], deadline: float) -> list[Array]:
        """Ask a worker that was taken, and see it back into the pool in the state that it deserves."""
        try:
            answer = worker.ask(inputs, wanted, deadline)
        except StillRunningError:
            self._pool.drain(worker)
            raise
        except ModelFailedError:
            self._pool.give_back(worker)
            raise
        except WorkerLostError:
            self._counters.add("crashes")
            self._pool.discard(worker)
            raise
        except ProtocolError:
            self._counters.add("protocol_violations")
            self._pool.discard(worker)
            raise
        except BaseException:
            # A signal to this thread, or a bug: what the worker sends next would answer a request that nobody remembers.
            self._pool.discard(worker)
            raise
        self._pool.give_back(worker)
        return answer

    def _template(
        self,
        model: memoryview,
        external: Mapping[str, memoryview],
        limits: RuntimeLimits,
        isolation: IsolationLimits,
        server: ForkServer,
    ) -> Template:
        for name, data in (("bridge-model", model), *external.items()):
            self._memory.append(sealed_copy(name[-200:], data))
        layout = self._layout
        limited = address_space_can_be_limited(limits.providers)
        job = Job(
            inputs=layout.inputs,
            outputs=layout.outputs,
            input_bytes=layout.input_bytes,
            output_bytes=layout.output_bytes,
            model_bytes=len(model),
            external=tuple((name, len(data)) for name, data in external.items()),
            memory_bytes=isolation.memory_bytes if limited else None,
            cpu_seconds=isolation.cpu_seconds,
            intra_op_threads=limits.intra_op_threads or max(1, len(os.sched_getaffinity(0)) // isolation.workers),
            inter_op_threads=limits.inter_op_threads,
            providers=provider_options(limits.providers, isolation.gpu_memory_bytes),
            features=None if self._features is None else (self._features.value, self._features.nodes),
        )
        first, *others = self._memory
        return Template(
            server=server,
            layout=layout,
            job=job,
            model=first,
            external=tuple(others),
            minimum_sandbox=isolation.minimum_sandbox,
            load_seconds=limits.load_seconds,
            warm_up=layout.numbered_inputs(smallest_inputs(self.interface)) if limits.warm_up else None,
        )

    def _close_memory(self) -> None:
        while self._memory:
            os.close(self._memory.pop())


def _outcome(error: BridgeError) -> str:
    if isinstance(error, InvalidInputError | UsageError):
        return "invalid"
    return "overloaded" if isinstance(error, OverloadedError) else "failed"
