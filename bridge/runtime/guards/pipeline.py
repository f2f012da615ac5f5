"""Guards in order: each sees what those before it have let through."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.errors import BridgeError, GuardRefusedError, InvalidOptionError
from bridge.runtime.guards.guard import Array, Call, Change, Guard, Kind, change
from bridge.runtime.guards.tally import GuardCounts, GuardTally


@dataclass(frozen=True, slots=True)
class GuardStatus:
    """A guard in force: what it is called, what it does and to which input, and what it did so far."""

    name: str
    kind: Kind
    input: str
    counts: GuardCounts


class Passed(dict[str, Array]):
    """Inputs that the guards ``by`` have let through, as they left them: who has such inputs need not ask ``by`` again."""

    __slots__ = ("by", "changes")

    def __init__(self, inputs: Mapping[str, Array], by: Pipeline, changes: Sequence[Change] = ()) -> None:
        super().__init__(inputs)
        self.by = by
        self.changes = tuple(changes)


class Pipeline:
    """``guards`` in order; may be asked from several threads.

    Names are unique, so that a refusal says whose it is. Raises ``InvalidOptionError`` where they are not. What the guards do is
    counted in ``tally``.
    """

    def __init__(self, guards: Sequence[Guard], tally: GuardTally | None = None) -> None:
        names = [guard.name for guard in guards]
        if len(set(names)) != len(names):
            raise InvalidOptionError(f"two guards are called {next(name for name in names if names.count(name) > 1)!r}")
        self.guards = tuple(guards)
        self._tally = tally or GuardTally()
        self._tally.begin(names)

    def apply(self, inputs: Mapping[str, Array], seconds: float = math.inf, *, hard: bool = False) -> Passed:
        """Every guard on its input, within ``seconds``. An input that was not given is passed over.

        See ``Call`` for ``hard``. Raises the first ``GuardRefusedError``, and ``DeadlineExceeded``.
        """
        passed, changes = dict(inputs), []
        call = Call(passed, seconds, hard)
        for guard in self.guards:
            value = passed.get(guard.input)
            if value is None:
                continue
            call.left()
            passed[guard.input], found = self._applied(guard, value, call)
            if found is not None:
                changes.append(found)
        return Passed(passed, self, changes)

    def status(self) -> tuple[GuardStatus, ...]:
        """The guards in their order, with what each did so far."""
        return tuple(GuardStatus(guard.name, guard.kind, guard.input, self._tally.of(guard.name)) for guard in self.guards)

    def counts(self) -> dict[str, GuardCounts]:
        """What each guard did so far, by name."""
        return {guard.name: self._tally.of(guard.name) for guard in self.guards}

    def _applied(self, guard: Guard, value: Array, call: Call) -> tuple[Array, Change | None]:
        started = time.perf_counter()
        try:
            after = guard.apply(value, call)
        except BridgeError as error:
            refused = isinstance(error, GuardRefusedError)
            self._tally.count(guard.name, time.perf_counter() - started, refused=refused)
            raise
        seconds = time.perf_counter() - started
        found = change(guard, value, after)
        self._tally.count(guard.name, seconds, changed=found is not None)
        return after, found
