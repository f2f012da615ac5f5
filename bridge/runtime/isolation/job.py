"""What a worker is told when it is made: names, sizes and options, as JSON from the parent, which it trusts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

JOB_BYTES: Final = 120 << 10


@dataclass(frozen=True, slots=True)
class Job:
    """One worker's work. ``features`` is a value of the model, made by so many of its first nodes, that it can be asked for too.

    The descriptors travel beside it: data, gate, inputs, outputs, model, then ``external`` in order.

    ``memory_bytes`` and ``cpu_seconds`` are limits of the process, ``None`` for none; ``providers`` are the engine's, each with
    its options.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_bytes: int
    output_bytes: int
    model_bytes: int
    external: tuple[tuple[str, int], ...] = ()
    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    intra_op_threads: int | None = None
    inter_op_threads: int | None = None
    providers: tuple[tuple[str, Mapping[str, str]], ...] = (("CPUExecutionProvider", {}),)
    features: tuple[str, int] | None = None

    def to_bytes(self) -> bytes:
        """The job as JSON. Raises ``ValueError`` for one that does not fit a packet."""
        data = json.dumps(asdict(self)).encode()
        if len(data) > JOB_BYTES:
            raise ValueError(f"names of {len(data)} bytes, where {JOB_BYTES} can be said")
        return data


def read_job(data: bytes) -> Job:
    """The job that a parent wrote."""
    members: dict[str, Any] = json.loads(data)
    for name in ("inputs", "outputs"):
        members[name] = tuple(members[name])
    for name in ("external", "providers"):
        members[name] = tuple((first, second) for first, second in members[name])
    if members["features"] is not None:
        members["features"] = tuple(members["features"])
    return Job(**members)
