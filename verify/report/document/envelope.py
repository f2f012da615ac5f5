"""What every report says of itself, whatever was tested: the tool, the time, the machine, the models and the seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tool:
    """The program that made the report."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Environment:
    """Where it ran. ``packages`` are the versions of the libraries whose arithmetic counts."""

    python: str
    platform: str
    cpu: str
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that took part: ``role`` is "source" or "converted", ``format`` for instance "CNTK v2" or "ONNX"."""

    role: str
    name: str
    sha256: str
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The members that all kinds of report share. ``created`` is an RFC 3339 time; ``seeds`` go by the name of what they seed."""

    tool: Tool
    created: str
    environment: Environment
    command: str = ""
    models: tuple[Model, ...] = ()
    seeds: Mapping[str, int] = field(default_factory=dict)
