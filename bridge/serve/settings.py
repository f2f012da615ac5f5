"""How the server is run, as data: every bound with its unit in its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one connection, and all of them together, may take.

    ``request_bytes`` bounds a body as it arrives and again after it was inflated; ``buffered_bytes`` bounds all bodies together.
    """

    request_bytes: int = 64 << 20
    buffered_bytes: int = 1 << 30
    header_bytes: int = 16 << 10
    headers: int = 64
    connections: int = 1024
    connections_per_address: int = 512
    pipelined_requests: int = 16
    header_seconds: float = 10.0
    body_seconds: float = 60.0
    idle_seconds: float = 75.0
    write_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Requests that are answered together: at most ``rows`` of them, none waiting longer than ``delay_seconds`` for company.

    A delay of zero still batches: what arrives while the model is at work is answered together next. ``rows`` of 1 is off.
    """

    rows: int = 32
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What may wait for a model. Beyond it a request is refused, with the time after which to come again."""

    requests: int = 256
    bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """One version of one model: where its package lies and how it is run.

    ``workers`` runs take place at once; ``threads`` work on each of them, ``None`` for the processors shared out evenly. The
    ``fallback`` is a package that answers where this one is refused, or fails again and again. ``guards`` is a file of input
    guards, ``fallback_guards`` one for the fallback, which has the same ones otherwise.
    """

    name: str
    package: Path
    version: str = "1"
    policy: Path | None = None
    fallback: Path | None = None
    guards: Path | None = None
    fallback_guards: Path | None = None
    isolation: str = "none"
    workers: int = 1
    threads: int | None = None
    seconds: float | None = None
    batch: BatchSettings = BatchSettings()
    queue: QueueSettings = QueueSettings()


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Somebody who may ask. Known by a key, of which only the digest is kept, or by the name in a client certificate.

    ``key_sha256`` is 64 hexadecimal digits; ``models`` of ``None`` are all of them; ``requests_per_second`` refills a bucket
    that holds ``burst`` requests, ``None`` for no quota.
    """

    name: str
    key_sha256: str = ""
    certificate_name: str = ""
    models: frozenset[str] | None = None
    requests_per_second: float | None = None
    burst: int = 1


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Certificate chain and key in PEM; with ``client_roots`` every client has to show a certificate under one of them."""

    certificate: Path
    key: Path
    client_roots: Path | None = None


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Everything that the server is told. A port of ``None`` is not opened, and 0 takes any that is free.

    Metrics and the status page have a port of their own, on ``admin_host``. ``drain_seconds`` is what running requests are
    given when the server is told to stop. With ``clients`` nobody else may ask.
    """

    models: tuple[ModelSettings, ...]
    host: str = "127.0.0.1"
    port: int | None = 8000
    grpc_port: int | None = None
    admin_host: str = "127.0.0.1"
    admin_port: int | None = 8002
    tls: TlsSettings | None = None
    clients: tuple[ClientSettings, ...] = ()
    limits: HttpLimits = field(default_factory=HttpLimits)
    drain_seconds: float = 30.0
    traces: bool = False
    log_requests: bool = True
    allow_unsigned: bool = False
