"""The listening port of gRPC, with its limits."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import grpc
import grpc.aio

from bridge.errors import InvalidOptionError
from bridge.serve.clients.identity import Clients
from bridge.serve.grpc.service import Service, handlers
from bridge.serve.grpc.tls_version import refuse_older
from bridge.serve.inference import Inference
from bridge.serve.settings import ServerSettings, TlsSettings

_UNSPECIFIED: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # Compared with, not listened on.
_ANSWER_BYTES: Final = (1 << 31) - 1


class GrpcPort:
    """Open from :meth:`start` to :meth:`stop`; ``number`` is its port."""

    def __init__(self, server: Any, number: int) -> None:
        self._server: Final = server
        self.number: Final = number

    @classmethod
    async def start(cls, settings: ServerSettings, inference: Inference, clients: Clients) -> GrpcPort:
        """Listen. Raises ``InvalidOptionError`` where that cannot be done."""
        assert settings.grpc_port is not None
        server = grpc.aio.server(options=_options(settings), maximum_concurrent_rpcs=settings.limits.connections)
        server.add_generic_rpc_handlers((handlers(Service(inference, clients), inference),))
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"{host}:{settings.grpc_port}"
        try:
            if settings.tls is None:
                number = server.add_insecure_port(address)
            else:
                number = server.add_secure_port(address, _credentials(settings.tls))
        except (RuntimeError, OSError) as error:
            raise InvalidOptionError(f"cannot listen on {address} for gRPC: {error}") from error
        await server.start()
        if settings.tls is not None:
            try:
                own = _UNSPECIFIED.get(settings.host, settings.host)
                await asyncio.get_running_loop().run_in_executor(None, refuse_older, own, number)
            except InvalidOptionError:
                await server.stop(None)
                raise
        return cls(server, number)

    async def stop(self, seconds: float) -> None:
        """Take no more calls; those under way have ``seconds``."""
        await self._server.stop(seconds)


def _options(settings: ServerSettings) -> list[tuple[str, int]]:
    limits = settings.limits
    return [
        ("grpc.max_receive_message_length", limits.request_bytes),
        ("grpc.max_send_message_length", _ANSWER_BYTES),
        ("grpc.max_metadata_size", limits.header_bytes),
        ("grpc.absolute_max_metadata_size", limits.header_bytes),
        ("grpc.max_concurrent_streams", limits.pipelined_requests),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        # A compressed message would be bounded before it is inflated, not after: none is taken.
        ("grpc.compression_enabled_algorithms_bitset", 1),
        ("grpc.max_connection_idle_ms", int(limits.idle_seconds * 1000)),
        ("grpc.keepalive_time_ms", int(limits.idle_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", int(limits.header_seconds * 1000)),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
        ("grpc.server_handshake_timeout_ms", int(limits.header_seconds * 1000)),
        ("grpc.so_reuseport", 0),
    ]


def _credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    try:
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        roots = tls.client_roots.read_bytes() if tls.client_roots is not None else None
    except OSError as error:
        raise InvalidOptionError(f"the certificate or key for TLS cannot be read: {error}") from error
    return grpc.ssl_server_credentials([pair], root_certificates=roots, require_client_auth=roots is not None)
